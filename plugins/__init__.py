"""Sources of the Open WebUI plugins, in modules; `python -m plugins.build` joins them into one file each."""
