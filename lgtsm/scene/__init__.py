"""The rendered demo scene, whose truth behind the object is known."""
