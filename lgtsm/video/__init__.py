"""Reading and writing video files and image folders."""
