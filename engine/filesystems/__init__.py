"""Files inside a volume: directories, deleted entries, where each byte lies, and what is hit by what nobody has read.

The volume is read by The Sleuth Kit in a worker process (``reader``); what it found becomes an index (``index``) that
answers without another walk (``hits``, ``pick``). XFS, btrfs, APFS and others that The Sleuth Kit lacks are refused.
"""
