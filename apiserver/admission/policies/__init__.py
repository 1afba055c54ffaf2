"""ValidatingAdmissionPolicy: what a write must be like, said in CEL, and where that holds."""
