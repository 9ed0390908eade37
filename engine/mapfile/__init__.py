"""ddrescue's mapfile: model, reading, writing, algebra, drawing, recipes. numpy loads with the modules."""
