"""What the families of models accept: data with its source, resolved once for a deployment."""
