"""Small formats of old programs and phones, read as far as they are whole: dBASE tables, System Restore logs,
BlackBerry backups, IrRemote files. Each tells what is damaged; nothing here writes into what it reads."""
