"""How fast the workbench is, beside its peers and beside limits; every figure is of one run on one machine."""
