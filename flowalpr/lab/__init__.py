"""Everything before deployment: data, training, measurement, compression."""
