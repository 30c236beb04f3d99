#!/usr/bin/env python3
"""Writes raingauge.json, the Grafana dashboard, from the table below."""
import json
import pathlib

PANELS = [  # title, unit, width, [(expression, legend)]
    ("Lag of the oldest line", "s", 12, [("max by (instance, input) (raingauge_lag_seconds)", "{{instance}} {{input}}")]),
    ("Bytes not delivered yet", "bytes", 12, [("sum by (instance, input) (raingauge_lag_bytes)", "{{instance}} {{input}}")]),
    ("Lines by outcome", "cps", 12, [("sum by (outcome) (rate(raingauge_lines_total[$__rate_interval]))", "{{outcome}}")]),
    ("Calls delivered", "cps", 12, [("sum by (endpoint, destination) (rate(raingauge_calls_delivered_total[$__rate_interval]))", "{{destination}} {{endpoint}}")]),
    ("Calls made by rule", "cps", 12, [("sum by (rule, endpoint) (rate(raingauge_calls_total[$__rate_interval]))", "{{rule}} {{endpoint}}")]),
    ("Rejected calls", "cps", 12, [("sum by (rule, reason) (rate(raingauge_calls_rejected_total[$__rate_interval]))", "{{rule}}: {{reason}}")]),
    ("Requests by answer", "reqps", 12, [("sum by (code) (rate(raingauge_requests_total[$__rate_interval]))", "{{code}}")]),
    ("Request duration", "s", 12, [
        ("histogram_quantile(0.5, sum by (le) (rate(raingauge_request_duration_seconds_bucket[$__rate_interval])))", "median"),
        ("histogram_quantile(0.99, sum by (le) (rate(raingauge_request_duration_seconds_bucket[$__rate_interval])))", "99 %")]),
    ("Paused destinations", "none", 8, [("max by (instance, destination) (raingauge_paused)", "{{instance}} {{destination}}")]),
    ("Dead letters", "none", 8, [("sum by (reason) (increase(raingauge_dead_letters_total[1h]))", "{{reason}}"),
                                 ("sum(increase(raingauge_dead_letters_lost_total[1h]))", "lost")]),
    ("Bytes lost", "bytes", 8, [("sum by (instance, reason) (increase(raingauge_bytes_lost_total[1h]))", "{{instance}} {{reason}}")]),
    ("Buffer", "bytes", 8, [("raingauge_buffer_bytes", "{{instance}}")]),
    ("Files", "none", 8, [("sum(raingauge_files_watched)", "watched"), ("sum(raingauge_files_open)", "open"),
                          ("sum(raingauge_files_unreadable)", "unreadable")]),
    ("Resident memory", "bytes", 8, [("process_resident_memory_bytes{job=\"raingauge\"}", "{{instance}}")]),
]


def dashboard():
    panels, x, y = [], 0, 0
    for n, (title, unit, width, queries) in enumerate(PANELS, 1):
        if x + width > 24:
            x, y = 0, y + 8
        panels.append({
            "id": n, "type": "timeseries", "title": title, "gridPos": {"x": x, "y": y, "w": width, "h": 8},
            "datasource": {"type": "prometheus", "uid": "${source}"},
            "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
            "targets": [{"refId": chr(65 + i), "expr": expr, "legendFormat": legend} for i, (expr, legend) in enumerate(queries)],
        })
        x += width
    return {
        "uid": "raingauge", "title": "raingauge", "tags": ["raingauge"], "schemaVersion": 39, "editable": True,
        "time": {"from": "now-3h", "to": "now"}, "refresh": "30s", "panels": panels,
        "templating": {"list": [{"name": "source", "type": "datasource", "query": "prometheus", "label": "Data source"}]},
    }


if __name__ == "__main__":
    pathlib.Path(__file__).with_name("raingauge.json").write_text(json.dumps(dashboard(), indent=1) + "\n")
