"""UDF as recorders write it: whole, or a bare tree without volume descriptors (ECMA-167, UDF)."""
