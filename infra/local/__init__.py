"""The local stack: an emulator of the cloud, our functions and one front, on a laptop."""
