"""The metric registry, and that the record and the tables say the same."""

import math

import pytest
from django.db import models

from apps.telemetry.metrics import BY_CSV_NAME, BY_DCGM_NAME, METRIC_NAMES, METRICS, Kind, Storage
from apps.telemetry.models import LatestSample, MetricColumns, Sample
from apps.telemetry.models.fields import RealField
from apps.telemetry.records import RECORD_FIELDS, InvalidRecord, from_fields

FIELD_CLASS = {
    Storage.REAL: RealField,
    Storage.DOUBLE: models.FloatField,
    Storage.BIGINT: models.BigIntegerField,
    Storage.SMALLINT: models.SmallIntegerField,
}
IDENTITY = {"timestamp": "2025-07-18T20:42:34Z", "gpu_id": 0, "hostname": "h", "uuid": "u"}


def record(**fields):
    return from_fields(IDENTITY | fields)


def test_names_and_dcgm_ids_are_unique():
    assert len(set(METRIC_NAMES)) == len(METRICS)
    assert len({metric.dcgm_id for metric in METRICS}) == len(METRICS)


def test_no_input_name_means_two_metrics():
    assert len(BY_DCGM_NAME) == sum(len(metric.dcgm_names) for metric in METRICS)
    assert len(BY_CSV_NAME) == sum(1 + len(metric.csv_names) for metric in METRICS)


def test_the_ten_metrics_of_the_default_export_have_columns():
    names = "GPU_UTIL MEM_COPY_UTIL POWER_USAGE GPU_TEMP FB_USED FB_FREE DEC_UTIL ENC_UTIL"
    for name in [*names.split(), "SM_CLOCK", "MEM_CLOCK"]:
        assert f"DCGM_FI_DEV_{name}" in BY_DCGM_NAME


def test_every_metric_explains_itself():
    for metric in METRICS:
        assert metric.description
        assert metric.dcgm_names
        assert metric.minimum < metric.maximum
        assert metric.unit or metric.kind is not Kind.GAUGE


@pytest.mark.parametrize("metric", METRICS, ids=METRIC_NAMES)
def test_each_metric_is_a_field_of_the_record_and_a_column_of_its_type(metric):
    assert metric.name in RECORD_FIELDS
    for model in (Sample, LatestSample):
        column = model._meta.get_field(metric.name)
        assert type(column) is FIELD_CLASS[metric.storage]
        assert column.null


def test_record_and_tables_have_no_metric_that_the_registry_lacks():
    labels = {"device", "model_name", "driver_version", "pci_bus_id"}
    columns = {field.name for field in MetricColumns._meta.get_fields()}
    assert columns == {*METRIC_NAMES, "extra"}
    assert {*METRIC_NAMES, "extra"} == RECORD_FIELDS - IDENTITY.keys() - labels


@pytest.mark.parametrize("metric", METRICS, ids=METRIC_NAMES)
def test_the_record_has_the_bounds_of_the_registry(metric):
    for bound in (metric.minimum, metric.maximum):
        assert getattr(record(**{metric.name: bound}), metric.name) == bound
    # Between the largest integer and five more lie the blanks, which are no values at all.
    step = 5 if metric.is_integer else math.ulp(metric.maximum)
    for beyond in (metric.minimum - 1, metric.maximum + step):
        with pytest.raises(InvalidRecord, match=metric.name):
            record(**{metric.name: beyond})


@pytest.mark.parametrize("metric", METRICS, ids=METRIC_NAMES)
def test_every_name_of_a_metric_is_understood_in_any_case(metric):
    for name in {metric.name, *metric.dcgm_names, *metric.csv_names}:
        for spelling in (name, name.upper(), name.lower()):
            assert getattr(record(**{spelling: "1"}), metric.name) == 1
