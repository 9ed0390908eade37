"""Tests of rescuedeck."""
