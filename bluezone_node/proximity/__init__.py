"""From sightings to encounters, from encounters and published keys to a judgement."""
