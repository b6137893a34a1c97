"""Where another frame shows the background of a frame: homographies, dense flow, chains of both."""
