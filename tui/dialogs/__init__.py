"""The few modal questions."""
