"""What must hold whatever happens: crashes, hostile disks, the patient untouched.

``python -m tests.safety`` breaks everything that is saved off at each of its calls (see ``__main__``); the tests take
samples of it.
"""
