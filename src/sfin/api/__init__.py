"""What `import sfin` offers to scripts and notebooks, a function a module."""
