"""Drawing tasks: from a request's texts and pictures to finished pictures, one small step at a time."""
