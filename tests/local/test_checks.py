import dataclasses
import socket

import pytest
from shopsphere_local.checks import check_platform, check_ports, check_python
from shopsphere_local.ports import LOOPBACK, Ports


@pytest.mark.parametrize(("version", "well"), [((3, 10), False), ((3, 11), True), ((3, 13), True), ((3, 14), False)])
def test_python_must_be_one_that_every_wheel_exists_for(version: tuple[int, int], well: bool) -> None:
    assert check_python(version).well is well


@pytest.mark.parametrize(("system", "well"), [("Linux", True), ("Darwin", True), ("Windows", False)])
def test_the_platform_must_be_one_that_every_server_exists_for(system: str, well: bool) -> None:
    assert check_platform(system, "x86_64").well is well


def test_a_taken_port_is_named_with_a_remedy() -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]
        finding = check_ports(dataclasses.replace(Ports.free(), kafka=port), running=False)
    assert not finding.well
    assert f"{port} (kafka)" in finding.detail
    assert "--port-base" in finding.remedy


def test_the_ports_of_the_running_stack_are_no_trouble() -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        taken = dataclasses.replace(Ports.free(), kafka=listener.getsockname()[1])
        assert check_ports(taken, running=True).well
