"""The rendered demo scene, whose background behind the object is known."""
