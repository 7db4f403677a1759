"""How fast the workbench is, beside its peers and beside limits; all figures are of one machine."""
