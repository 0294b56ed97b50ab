"""When a GPU counts as reporting: a rule that every face of the API shares."""

# Three rounds of an exporter that is read every 30 s. Older is not healthy, it is unknown.
REPORTING_S = 90
# Below this utilisation, in percent, a reporting GPU is idle.
IDLE_BELOW = 1

# Of a row of latest samples; `now` is the statement's own.
IS_REPORTING = f"latest.timestamp >= now() - interval '{REPORTING_S} seconds'"
STATE = f"CASE WHEN {IS_REPORTING} THEN 'reporting' ELSE 'silent' END"
# Until then, if nothing is stored, the answer stays the same: the first that would fall silent.
SAME_UNTIL = (
    f"min(latest.timestamp) FILTER (WHERE {IS_REPORTING}) + interval '{REPORTING_S} seconds'"
)
