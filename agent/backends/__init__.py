"""Language models behind one seam: words in, JSON out. Used only when a setting says so; the rules always run first."""
