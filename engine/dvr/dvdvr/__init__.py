"""DVD-VR: programmes, cells and VOBs in VR_MANGR.IFO over VR_MOVIE.VRO, and Panasonic's variant on hard disks."""
