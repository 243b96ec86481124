"""For those who write plugins: a scaffold, rules that run, push on save, recorded conversations."""
