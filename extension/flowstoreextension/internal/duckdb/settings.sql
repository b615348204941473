-- Nothing that a query says may reach other files or the network. These come last:
-- after the first no directory can be set, after the second nothing at all.
SET enable_external_access = false;
SET lock_configuration = true;
