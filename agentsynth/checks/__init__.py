"""Every deterministic criterion. Checks read what happened; they know no label and no driver."""
