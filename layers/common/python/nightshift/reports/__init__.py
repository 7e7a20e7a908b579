"""Reports on what somebody did on GitHub, made in the background and served from the cache."""
