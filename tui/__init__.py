"""What a person sees and presses: the command line and the full-screen deck over the engine."""
