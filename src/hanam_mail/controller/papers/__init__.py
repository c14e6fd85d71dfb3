"""Papers in the form of administrative documents (Nghị định 30/2020/NĐ-CP): what they say, and how a page bears it."""
