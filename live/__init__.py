"""`make live`: what the manifest means, deployed into two accounts of AWS, called, and removed again."""
