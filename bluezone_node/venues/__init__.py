"""Places: their signed cards, visits to them, and notices of outbreaks there.

Bytes of all that passes between two machines: docs/protocol-places.md.

==============  ===============================================================================
a place         `kinds`, `card` (what its registrar signed), `text` (the texts that carry a card),
                `tags` (what follows from it), `trust` (whose signatures count), `foreign` (other
                countries' codes), `names` (one writing of a name)
a visitor       `visits` (who was where, until when), `sighting` and `heard` (by radio), `passes`
                (the code on a device), `persons` (the cards that people carry)
a kiosk         `checkins` (its ledger), `proposals` (what its radio tells the authority)
an outbreak     `notices`, `bundle` (on their way, chained), `head` (a bundle without them),
                `matching` (visits against notices)
a register      `register` (names, sealed twice), `warrant` (what opens it), `answer` (what was
                opened), `opening` (the log of it)
==============  ===============================================================================
"""
