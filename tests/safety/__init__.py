"""What must hold whatever happens: crashes, hostile disks, the patient untouched."""
