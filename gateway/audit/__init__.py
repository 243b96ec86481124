"""Who changed what, and when: keys, budgets, configuration, consents, forgetting; one hash-chained row a change.

On the machine, below `data_dir/ledger/audit/`:

    chain.jsonl          the rows of all processes of this machine, one after the other
    head.json            number and hash of the last row, sealed
    configuration.json   the values of the configuration that was recorded last, secrets as keyed hashes
    lock                 held while a row is written

At the ledger's destination, where one is configured: `_audit/<chain>/<first>-<last>.jsonl`, the same rows, copied by
`sekisho ledger tend`.

**One chain a machine.** Its processes write one after the other, under a file lock. Machines do not wait for each
other: each copies its chain to the destination, and notes there the heads of the other chains (`heads.seen`), so that
a chain that is cut or gone is missed by the others.

**What a row proves.** `hash` covers the hash of the row before, number, time, action, and a salted hash (`digests`) of
each part: actor, object, before, after. `seal` is an HMAC of `hash` under a key that follows from the secret of the
keys (`key_secret`, or the file `key-secret`): who can write the file, but has not the secret, can seal nothing. A cut
at the end is seen by `head.json`, by the copy at the destination, and by the counter in the database of keys.

**Forgetting** takes the parts that name the person out of the rows and leaves their salted hashes, so that the chain
holds; a part that is missing must be named by a later row `person.forgotten`.

**A change that cannot be recorded is not made**: the row is on the disk before the transaction ends. Only the start of
a gateway goes on without (and says so in the log); the row is written with the next change of the configuration.
"""
