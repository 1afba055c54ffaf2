"""How each kind behaves: one CRUD engine for all (`store`), and one small strategy a kind."""
