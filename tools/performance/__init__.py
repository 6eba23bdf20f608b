"""How fast a configuration serves: calibrated roofline, learned residual, evidence and intervals."""
