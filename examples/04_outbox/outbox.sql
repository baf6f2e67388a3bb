-- Rows of this table become events: type and payload as they are, id as external_id. A row goes when
-- its event is durable; one that can never be taken stays, and `refused` says why.
CREATE TABLE routines_outbox (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
  type text NOT NULL,
  payload jsonb NOT NULL,
  refused text
);

-- Only a hint that wakes the source early: it looks by itself every few seconds, too.
CREATE FUNCTION routines_outbox_tell() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN NOTIFY routines_outbox; RETURN NULL; END $$;
CREATE TRIGGER tell AFTER INSERT ON routines_outbox
  FOR EACH STATEMENT EXECUTE FUNCTION routines_outbox_tell();
