"""One record a request, on disk before the answer's last byte; later in Parquet, where Athena and DuckDB read it.

On the machine, below `data_dir/ledger/`:

    segments/<segment>.open     being written; its process holds an flock on it
    segments/<segment>.jsonl    closed, waits to be shipped
    segments/<segment>.shipped  is in Parquet; stays until the budgets' checkpoint has read it
    reading/<name>/             links of segments that a question reads at the moment
    shipping.json               counters of what was shipped
    lock                        held by who ships, compacts, forgets or reprices
    source                      this ledger's name among those that share a destination
    parquet/                    the destination, where none is configured

At the destination:

    dt=YYYY-MM-DD/hour=HH/<segment>.<source>.<hash>.parquet     what a segment holds of that hour (UTC, `started_at`)
    dt=YYYY-MM-DD/hour=HH/compacted.<source>.<hash>.parquet     several of those in one
    repriced/<time>/dt=…/hour=…/<same name>.parquet             takes the place of the file of that name
    _journal/<compacted name>.json                              which files a compacted one replaces
    _lock                                                       held by who compacts, forgets, reprices, drops

**Each record once.** A segment's Parquet files have names made of the segment's name and a hash of its content, so
shipping it again writes the same objects again. The rename to `.shipped` comes after all of them are there, and is
the moment from which Parquet counts instead of the segment. A reader therefore (`gateway.ledger.files.holding`)

1. links the open and closed segments, so that they stay readable whatever happens to them meanwhile;
2. then lists the Parquet files, and passes over those of the segments that it has linked;
3. passes over what a journal says was replaced, where the replacing file is there;
4. takes the newest repriced file of a name instead of the first.

Readers that know nothing of this (Athena) see a record twice only in the moment between a compacted file's writing
and its sources' deletion, and never miss one.
"""
