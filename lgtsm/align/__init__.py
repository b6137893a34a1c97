"""Where the background of one frame lies in another: homographies, dense flow, chains of both."""
