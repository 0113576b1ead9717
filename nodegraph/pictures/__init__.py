"""Pictures from anywhere: decoded upright and in sRGB, whatever else their files hold."""
