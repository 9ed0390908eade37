"""Devices: every disk, who it is, what uses it, how it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from textual.containers import VerticalScroll
from textual.widget import Widget

from engine.devices import Device, discover
from engine.devices.health import read_health
from engine.devices.health_report import Health
from engine.errors import RescueError
from engine.host.roots import HERE, names_in
from tui import background
from tui.device_facts import device_facts, verdict_words
from tui.keys import bindings
from tui.listing import DEVICE, devices_section
from tui.screens.base import DeckScreen
from tui.widgets.facts import Facts
from tui.widgets.row_list import RowList


class DevicesScreen(DeckScreen):
    """A list, and under it everything known about the device under the cursor."""

    TITLE = "devices"
    SCOPES = ("devices", "list")
    BINDINGS = bindings("devices")
    HELP = (
        "Every disk of this machine as the system knows it; none is read for this (t reads partition tables). Compare "
        "model, serial number and size with the label on the drive before you image it. Disks that carry the running "
        "system stand apart and are never a source or a target. Health asks the drive itself (smartctl): not on its "
        "own, and a drive that looks ill is asked only if you insist, because a question can be the one that hangs it."
    )

    def __init__(self, selected: str | None = None) -> None:
        super().__init__()
        self._selected = selected
        self._list = RowList(id="devices")
        self._facts = Facts(id="device-facts")
        self._devices: list[Device] | None = None
        self._health: dict[str, Health | str] = {}
        self._looks: background.Latest[list[Device]] = background.Latest()
        self._names: list[str] = []
        self._said_of: str | None = None

    def body(self) -> Iterable[Widget]:
        """List above, facts below."""
        yield self._list
        pane = VerticalScroll(self._facts, id="device-pane")
        pane.can_focus = True
        yield pane

    def on_mount(self) -> None:
        """Look, and notice disks that come and go."""
        self._show()
        self.action_refresh()
        self.set_interval(2 * self.deck.options.poll_s, self._notice_disks)

    def _notice_disks(self) -> None:
        if self.on_top and names_in(HERE.block) != self._names:
            self.action_refresh()

    def action_refresh(self) -> None:
        """Look again."""
        self._names = names_in(HERE.block)
        self._looks.start(self, discover, self._take)

    def _take(self, devices: list[Device]) -> None:
        self._devices = devices
        self._show()
        if self._selected is not None:
            wanted, self._selected = self._selected, None
            disk = next((d for d in devices if wanted == d.path or any(wanted == p.path for p in d.partitions)), None)
            if disk is None or not self._list.choose(DEVICE + disk.path):
                self.say(f"{wanted} is not among the devices", "warning")

    def _show(self) -> None:
        if self._devices is None:
            self._list.show([devices_section(None)])
            return
        others = [device for device in self._devices if not device.is_system]
        system = [device for device in self._devices if device.is_system]
        sections = [devices_section(others)] if others or not system else []
        if system:
            sections.append(devices_section(system, title="OFF LIMITS"))
        self._list.show(sections)
        self._show_facts()

    def _device(self) -> Device | None:
        row = self._list.chosen
        return next((d for d in self._devices or () if row is not None and row.id == DEVICE + d.path), None)

    def _show_facts(self) -> None:
        device = self._device()
        self._facts.show(device_facts(device, self._health.get(device.sysfs_path)) if device is not None else ())
        if device is None:
            self.offer("plug the drive in: it appears here by itself" if self._devices is not None else "", None)
        else:
            used = device.is_system or device.uses
            self.offer("" if used else f"image {device.path} into a new case", self.action_image)

    def on_row_list_moved(self) -> None:
        """Another device under the cursor: what was said of the one before goes."""
        device = self._device()
        if device is not None:
            if self._said_of not in (None, device.path):
                self.say("")
            self._said_of = device.path
        self._show_facts()

    def on_row_list_opened(self) -> None:
        """A double click."""
        self.action_image()

    def action_image(self) -> None:
        """Image it."""
        device = self._device()
        if device is None:
            self.say("there is no device to image here", "warning")
        else:
            self.deck.image_device(device)

    def action_partitions(self) -> None:
        """Its partition tables, read by a process of its own."""
        device = self._device()
        if device is None or not device.size:
            self.say("there is no device with a medium here", "warning")
        else:
            self.deck.open_partitions(Path(device.path))

    def action_recordings(self) -> None:
        """What a video recorder left on it, read by a process of its own."""
        device = self._device()
        if device is None or not device.size:
            self.say("there is no device with a medium here", "warning")
        else:
            self.deck.open_recordings(Path(device.path))

    def action_health(self) -> None:
        """Ask the drive how it is."""
        device = self._device()
        if device is not None:
            self._ask_health(device, insist=False)

    def _ask_health(self, device: Device, *, insist: bool) -> None:
        def take(health: Health) -> None:
            self._health[device.sysfs_path] = health
            self.say(f"{device.path}: {verdict_words(health)}")
            self._show_facts()

        def failed(error: RescueError) -> None:
            self._health.pop(device.sysfs_path, None)
            self._show_facts()
            if error.code == "drive-ill":
                self.prompt.ask(f"{error.message}. Ask it anyway?", self._insist(device))
            else:
                self.tell_error(error)

        self._health[device.sysfs_path] = "asking the drive, for 20 seconds at most ..."
        self._show_facts()
        background.start(self, lambda: read_health(device.path, insist=insist), take, failed)

    def _insist(self, device: Device) -> Callable[[str], None]:
        def answer(key: str) -> None:
            if key == "y":
                self._ask_health(device, insist=True)

        return answer
