"""Strange sectors: 520, 524, 528, 4160, 4224 ... recognised from an image, what stands beside the data, its guards."""
