"""Heat pumps, their owners and what the support desk can do from afar, as typed Python.

The desk sees a device over the network: settings, lock, meter. What only the display shows (error
code, water pressure, pairing code) and what only a hand can do (service button, filling valve,
breaker) belongs to the tools of the user, who stands in front of it.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field

from agentsynth.worlds.python import (
    Context,
    Date,
    DateTime,
    Money,
    Record,
    Ref,
    Table,
    TimeOfDay,
    ToolError,
    add_days,
    entity,
    read,
    write,
)

Model = Literal["HP5", "HP7", "HP9"]
Mode = Literal["auto", "heating", "cooling", "standby"]
Weekday = Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
PartOfDay = Literal["morning", "afternoon"]
Reason = Literal["maintenance", "repair", "advice"]
Topic = Literal["noise", "icing", "vibration", "leaking water", "rust", "a frozen display"]
Category = Literal["filter", "pump", "valve", "sensor", "board"]
Area = Literal["north", "south", "west"]

LATEST = {"HP5": "5.8", "HP7": "7.4", "HP9": "9.6"}
RANGE_DBAR = {"HP5": (10, 18), "HP7": (12, 20), "HP9": (14, 22)}
SENSOR_PLACES = 4
NO_FAULT = "A00"
PRESSURE_ALARM = "E31"
RESTART_CURES = "C05"


class Customer(Record):
    """Somebody who owns heat pumps or looks after them."""

    id: str
    name: Annotated[str, "The person to speak with."]
    email: str
    kind: Literal["private", "company"]
    plan: Annotated[Literal["none", "basic", "comfort"], "Service contract."]
    contract_until: Annotated[Date | None, "Last day of the service contract."] = None


class Installation(Record):
    """A site with one heat pump, or a housing estate with many."""

    id: str
    customer_id: Annotated[str, Ref("customer")]
    site: Annotated[str, "Street and number, or the name of the estate."]
    use: Literal["home", "second", "house", "estate", "workshop"]
    heating: Literal["underfloor", "radiators"]
    area: Annotated[Area, "Whose technicians come."]
    warranty_until: Date


class Device(Record):
    """A heat pump; its key is the serial number."""

    id: str
    installation_id: Annotated[str, Ref("installation")]
    location: Annotated[str, "Where it stands at its site."]
    staircase: str | None = None
    model: Model
    firmware: str
    update_on: Annotated[Date | None, "Night for which an update is planned."] = None
    mode: Mode
    error_code: Annotated[str | None, "What the display shows; null = no fault."] = None
    locked: bool = False
    powered: bool = True
    flow_celsius: int
    pressure_dbar: Annotated[int, "Water pressure in tenths of a bar."]
    filter_days: Annotated[int, "Days until the air filter is due."]
    energy_kwh: int
    legionella_day: Weekday
    legionella_time: TimeOfDay
    remote_resets: Annotated[int, "In the past twelve months."] = 0
    service_until: Annotated[DateTime | None, "End of service mode; null = not in it."] = None
    pairing_code: Annotated[str, "Shown on the display while in service mode."]


class Sensor(Record):
    """A room sensor that is paired with a device."""

    id: str
    device_id: Annotated[str, Ref("device")]
    room: str


class Slot(Record):
    """Half a day of a technician."""

    id: str
    area: Area
    date: Date
    part_of_day: PartOfDay
    technician: str
    free: bool


class Visit(Record):
    """A technician's visit."""

    id: str
    customer_id: Annotated[str, Ref("customer")]
    installation_id: Annotated[str, Ref("installation")]
    site: Annotated[str, "Where to go, as the technicians read it."]
    slot_id: Annotated[str, Ref("slot")]
    date: Date
    part_of_day: PartOfDay
    reason: Reason
    status: Literal["booked", "cancelled"] = "booked"


class Case(Record):
    """A service case about a device."""

    id: str
    customer_id: Annotated[str, Ref("customer")]
    device_id: Annotated[str, Ref("device")]
    site: Annotated[str, "Where the device stands."]
    topic: Topic
    opened_on: Date
    status: Literal["open", "closed"] = "open"
    closed_on: Date | None = None


class Part(Record):
    """A spare part."""

    id: str
    model: Model
    name: str
    category: Category
    price_cents: Money
    stock: int


class Order(Record):
    """An order of spare parts."""

    id: str
    device_id: Annotated[str, Ref("device")]
    part_id: Annotated[str, Ref("part")]
    quantity: int
    total_cents: Money
    ordered_on: Date


@dataclass(frozen=True)
class Desk:
    """The state: one table for each entity."""

    customers: Table[Customer]
    installations: Table[Installation]
    devices: Table[Device]
    sensors: Table[Sensor]
    slots: Table[Slot]
    visits: Table[Visit]
    cases: Table[Case]
    parts: Table[Part]
    orders: Table[Order]


CustomerId = Annotated[str, "Id of the customer, such as CU-4127."]
InstallationId = Annotated[str, "Id of the installation, such as IN-3019."]
DeviceId = Annotated[str, "Serial number of the device, such as HP7-00412-K."]


# -- what the desk can look up ---------------------------------------------------------------------


def search_customers(
    state: Desk,
    ctx: Context,
    name: Annotated[str, Field(min_length=2), "Full name or a part of it."],
) -> dict[str, Any]:
    """Find customers by name.

    Matches any part of the name, ignoring case, so several people can come back; compare the email
    address before using an id.
    """
    wanted = name.casefold()
    found = [one for one in state.customers.all() if wanted in one.name.casefold()]
    found.sort(key=lambda one: (one.name, one.email))
    shown = [
        {"customerId": one.id, "name": one.name, "email": one.email, "kind": one.kind}
        for one in found
    ]
    return {"total": len(shown), "customers": shown}


def get_customer(state: Desk, ctx: Context, customerId: CustomerId) -> dict[str, Any]:
    """Get a customer's file.

    Shows the service contract, the installations by site, the visits that are still booked by date
    and the service cases that are open by day of opening.
    """
    customer = state.customers.need(
        customerId, "customer_not_found", f"There is no customer with the id {customerId}."
    )
    installations = state.installations.where(customer_id=customer.id)
    visits = state.visits.where(customer_id=customer.id, status="booked")
    cases = state.cases.where(customer_id=customer.id, status="open")
    return {
        "asOf": ctx.today,
        "customerId": customer.id,
        "name": customer.name,
        "email": customer.email,
        "kind": customer.kind,
        "contract": {"plan": customer.plan, "validUntil": customer.contract_until},
        "installations": [
            {"installationId": one.id, "site": one.site}
            for one in sorted(installations, key=lambda one: one.site)
        ],
        "visits": [
            {
                "visitId": visit.id,
                "installationId": visit.installation_id,
                "site": visit.site,
                "date": visit.date,
                "partOfDay": visit.part_of_day,
                "reason": visit.reason,
            }
            for visit in sorted(visits, key=lambda one: (one.date, one.id))
        ],
        "openCases": [
            {
                "caseId": case.id,
                "deviceId": case.device_id,
                "site": case.site,
                "topic": case.topic,
                "openedOn": case.opened_on,
            }
            for case in sorted(cases, key=lambda one: (one.opened_on, one.id))
        ],
    }


def get_installation(state: Desk, ctx: Context, installationId: InstallationId) -> dict[str, Any]:
    """Get an installation: site, kind of heating, end of the warranty and its devices.

    The devices come in order of location, each with its serial number, model and the days left
    until its air filter is due.
    """
    one = _installation(state, installationId)
    devices = sorted(
        state.devices.where(installation_id=one.id), key=lambda device: device.location
    )
    return {
        "asOf": ctx.today,
        "installationId": one.id,
        "site": one.site,
        "heating": one.heating,
        "warrantyUntil": one.warranty_until,
        "devices": [
            {
                "deviceId": device.id,
                "location": device.location,
                "staircase": device.staircase,
                "model": device.model,
                "filterDaysLeft": device.filter_days,
            }
            for device in devices
        ],
    }


def get_device(state: Desk, ctx: Context, deviceId: DeviceId) -> dict[str, Any]:
    """Get what a device reports over the network: state, settings, firmware, filter, sensors.

    Fault codes, the water pressure and pairing codes are not reported; only the display at the
    device shows them. An update that is planned shows the date of its night.
    """
    device = _device(state, deviceId)
    latest = LATEST[device.model]
    sensors = sorted(state.sensors.where(device_id=device.id), key=lambda one: one.room)
    return {
        "asOf": ctx.today,
        "deviceId": device.id,
        "location": device.location,
        "model": device.model,
        "state": {
            "online": device.powered,
            "mode": device.mode,
            "locked": device.locked,
            "serviceMode": _serviced(ctx, device),
            "remoteResets": device.remote_resets,
        },
        "flowTemperature": {"value": device.flow_celsius, "unit": "°C"},
        "legionella": {"weekday": device.legionella_day, "time": device.legionella_time},
        "firmware": {
            "installed": device.firmware,
            "latest": latest,
            "upToDate": device.firmware == latest,
            "plannedFor": device.update_on,
        },
        "filter": {"daysLeft": device.filter_days},
        "sensors": {
            "paired": len(sensors),
            "places": SENSOR_PLACES,
            "rooms": [{"sensorId": one.id, "room": one.room} for one in sensors],
        },
    }


def get_energy_counter(state: Desk, ctx: Context, deviceId: DeviceId) -> dict[str, Any]:
    """Read a device's energy counter: the electricity used since it was installed, in kWh."""
    device = _device(state, deviceId)
    return {
        "deviceId": device.id,
        "location": device.location,
        "readOn": ctx.today,
        "energy": {"value": device.energy_kwh, "unit": "kWh"},
    }


def list_visit_slots(state: Desk, ctx: Context, installationId: InstallationId) -> dict[str, Any]:
    """List when a technician could come to an installation: free half days after today, by date."""
    one = _installation(state, installationId)
    found = [
        slot
        for slot in state.slots.between("date", add_days(ctx.today, 1), None, area=one.area)
        if slot.free
    ]
    found.sort(key=lambda slot: (slot.date, slot.part_of_day == "afternoon", slot.id))
    return {
        "asOf": ctx.today,
        "site": one.site,
        "total": len(found),
        "slots": [
            {
                "slotId": slot.id,
                "date": slot.date,
                "partOfDay": slot.part_of_day,
                "technician": slot.technician,
            }
            for slot in found
        ],
    }


def list_parts(
    state: Desk,
    ctx: Context,
    model: Annotated[Model, "Model of the heat pump that they fit."],
    category: Annotated[Category | None, "Only parts of this category."] = None,
) -> dict[str, Any]:
    """List the spare parts for a model by name, with their price in cents and the stock."""
    wanted = {"model": model} | ({} if category is None else {"category": category})
    found = sorted(state.parts.where(**wanted), key=lambda part: part.name)
    return {
        "model": model,
        "total": len(found),
        "parts": [
            {
                "partId": part.id,
                "name": part.name,
                "category": part.category,
                "priceCents": part.price_cents,
                "inStock": part.stock,
            }
            for part in found
        ],
    }


# -- what the desk can do --------------------------------------------------------------------------


def set_operating_mode(
    state: Desk,
    ctx: Context,
    deviceId: DeviceId,
    mode: Annotated[Mode, "The mode to run in."],
    startsOn: Annotated[
        Date | None, "Day at whose first minute the mode changes, YYYY-MM-DD; without it, now."
    ] = None,
) -> dict[str, Any]:
    """Change a device's operating mode, at once or at the start of a later day.

    A later change replaces one that is already waiting for the device.
    """
    device = _reachable(state, deviceId)
    _unlocked(device)
    if startsOn is None:
        state.devices.update(device, mode=mode)
        return {"deviceId": device.id, "mode": mode, "startsOn": ctx.today}
    _ahead(ctx, startsOn)
    ctx.unschedule("mode_change", device_id=device.id)
    ctx.schedule("mode_change", at=startsOn, device_id=device.id, mode=mode)
    return {"deviceId": device.id, "mode": mode, "startsOn": startsOn}


def set_flow_temperature(
    state: Desk,
    ctx: Context,
    deviceId: DeviceId,
    celsius: Annotated[int, Field(ge=25, le=65), "Flow temperature in °C."],
) -> dict[str, Any]:
    """Set the flow temperature that a device heats to. The device has to be in service mode."""
    device = _reachable(state, deviceId)
    _unlocked(device)
    _in_service_mode(ctx, device)
    state.devices.update(device, flow_celsius=celsius)
    return {"deviceId": device.id, "flowTemperature": {"value": celsius, "unit": "°C"}}


def set_legionella_schedule(
    state: Desk,
    ctx: Context,
    deviceId: DeviceId,
    weekday: Annotated[Weekday, "Day of the weekly run."],
    time: Annotated[TimeOfDay, "Start of the run, HH:MM."],
) -> dict[str, Any]:
    """Set when a device heats up against legionella, once a week. One device per call."""
    device = _reachable(state, deviceId)
    state.devices.update(device, legionella_day=weekday, legionella_time=time)
    return {
        "deviceId": device.id,
        "location": device.location,
        "legionella": {"weekday": weekday, "time": time},
    }


def reset_device(
    state: Desk,
    ctx: Context,
    deviceId: DeviceId,
    errorCode: Annotated[
        str, Field(pattern=r"^[A-Z]\d{2}$"), "The code on the device's display, such as E12."
    ],
) -> dict[str, Any]:
    """Reset a device after a fault: the fault is gone and the device unlocked.

    The code has to be the one on the display. Pressure alarms (E31) and controller faults (codes
    with C) are not reset this way.
    """
    device = _reachable(state, deviceId)
    if device.error_code is None:
        raise ToolError("no_fault", f"The device {device.id} has no fault; it shows {NO_FAULT}.")
    if device.error_code != errorCode:
        raise ToolError("wrong_code", f"The display of {device.id} does not show {errorCode}.")
    if errorCode == PRESSURE_ALARM or errorCode.startswith("C"):
        raise ToolError("not_resettable", f"{errorCode} cannot be reset from afar.")
    resets = device.remote_resets + 1
    state.devices.update(device, error_code=None, locked=False, remote_resets=resets)
    return {"deviceId": device.id, "cleared": errorCode, "locked": False, "remoteResets": resets}


def clear_pressure_alarm(state: Desk, ctx: Context, deviceId: DeviceId) -> dict[str, Any]:
    """Clear a device's pressure alarm (E31). The water pressure has to be in range again."""
    device = _reachable(state, deviceId)
    if device.error_code != PRESSURE_ALARM:
        raise ToolError("no_pressure_alarm", f"The device {device.id} has no pressure alarm.")
    low, high = RANGE_DBAR[device.model]
    if not low <= device.pressure_dbar <= high:
        raise ToolError(
            "pressure_out_of_range",
            f"The pressure is outside {low / 10} to {high / 10} bar, so the alarm stays.",
        )
    state.devices.update(device, error_code=None)
    return {"deviceId": device.id, "cleared": PRESSURE_ALARM}


def pair_sensor(
    state: Desk,
    ctx: Context,
    deviceId: DeviceId,
    room: Annotated[str, Field(min_length=2), "Room in which the sensor hangs."],
    pairingCode: Annotated[
        str, Field(pattern=r"^\d{4}$"), "Code on the device's display while it is in service mode."
    ],
) -> dict[str, Any]:
    """Pair a room sensor with a device, which has to be in service mode and to have a place."""
    device = _reachable(state, deviceId)
    if len(state.sensors.where(device_id=device.id)) >= SENSOR_PLACES:
        raise ToolError("sensors_full", f"All {SENSOR_PLACES} sensor places are taken.")
    if state.sensors.find(device_id=device.id, room=room) is not None:
        raise ToolError("room_exists", f"There is a sensor in the {room} already.")
    _in_service_mode(ctx, device)
    if pairingCode != device.pairing_code:
        raise ToolError("wrong_pairing_code", f"The display does not show {pairingCode}.")
    sensor = state.sensors.add(device_id=device.id, room=room)
    return {"deviceId": device.id, "sensorId": sensor.id, "room": room}


def schedule_firmware_update(
    state: Desk,
    ctx: Context,
    deviceId: DeviceId,
    night: Annotated[Date, "Date of the night, YYYY-MM-DD; the update runs at 02:00."],
) -> dict[str, Any]:
    """Plan the update to the latest firmware for 02:00 of a coming night.

    A plan that the device already has is replaced.
    """
    device = _reachable(state, deviceId)
    _unlocked(device)
    latest = LATEST[device.model]
    if device.firmware == latest:
        raise ToolError("up_to_date", f"The device {device.id} has the latest firmware, {latest}.")
    _ahead(ctx, night)
    ctx.unschedule("firmware_update", device_id=device.id)
    ctx.schedule("firmware_update", at=f"{night}T02:00", device_id=device.id, version=latest)
    state.devices.update(device, update_on=night)
    return {
        "deviceId": device.id,
        "night": night,
        "startsAt": "02:00",
        "from": device.firmware,
        "to": latest,
    }


def book_visit(
    state: Desk,
    ctx: Context,
    installationId: InstallationId,
    slotId: Annotated[str, "Id of the free half day, such as SL-2041."],
    reason: Annotated[Reason, "What the technician comes for."],
) -> dict[str, Any]:
    """Book a technician's visit to an installation on a free half day."""
    one = _installation(state, installationId)
    slot = state.slots.need(slotId, "slot_not_found", f"There is no slot with the id {slotId}.")
    if slot.area != one.area:
        raise ToolError("wrong_area", f"The slot {slot.id} is for the {slot.area}, not {one.area}.")
    if not slot.free or slot.date <= ctx.today:
        raise ToolError("slot_not_free", f"The slot {slot.id} is not free any more.")
    if state.visits.find(installation_id=one.id, status="booked") is not None:
        raise ToolError("visit_exists", f"A visit to {one.site} is booked already.")
    state.slots.update(slot, free=False)
    visit = state.visits.add(
        customer_id=one.customer_id,
        installation_id=one.id,
        site=one.site,
        slot_id=slot.id,
        date=slot.date,
        part_of_day=slot.part_of_day,
        reason=reason,
    )
    return {
        "visitId": visit.id,
        "site": one.site,
        "date": slot.date,
        "partOfDay": slot.part_of_day,
        "technician": slot.technician,
        "reason": reason,
    }


def cancel_visit(
    state: Desk,
    ctx: Context,
    installationId: InstallationId,
    visitId: Annotated[str, "Id of the visit, such as VI-30117."],
) -> dict[str, Any]:
    """Cancel a booked visit to an installation. Its half day is free for others again."""
    visit = state.visits.get(visitId)
    if visit is None or visit.installation_id != installationId:
        raise ToolError("visit_not_found", f"There is no visit {visitId} to {installationId}.")
    if visit.status != "booked":
        raise ToolError("visit_cancelled", f"The visit {visit.id} has been cancelled before.")
    slot = state.slots.need(visit.slot_id, "slot_not_found", f"There is no slot {visit.slot_id}.")
    state.visits.update(visit, status="cancelled")
    state.slots.update(slot, free=True)
    return {"visitId": visit.id, "date": visit.date, "status": "cancelled"}


def open_case(
    state: Desk,
    ctx: Context,
    deviceId: DeviceId,
    topic: Annotated[Topic, "What it is about."],
) -> dict[str, Any]:
    """Open a service case about a device for the technicians to look into."""
    device = _device(state, deviceId)
    if state.cases.find(device_id=device.id, topic=topic, status="open") is not None:
        raise ToolError("case_exists", f"A case about {topic} is open for {device.id} already.")
    one = _installation(state, device.installation_id)
    case = state.cases.add(
        customer_id=one.customer_id,
        device_id=device.id,
        site=one.site,
        topic=topic,
        opened_on=ctx.today,
    )
    return {"caseId": case.id, "deviceId": device.id, "topic": topic, "openedOn": ctx.today}


def close_case(
    state: Desk,
    ctx: Context,
    deviceId: DeviceId,
    caseId: Annotated[str, "Id of the open case, such as CA-50213."],
) -> dict[str, Any]:
    """Close a service case that is settled. The device must not show a fault any more."""
    device = _device(state, deviceId)
    case = state.cases.get(caseId)
    if case is None or case.device_id != device.id:
        raise ToolError("case_not_found", f"There is no case {caseId} about {device.id}.")
    if case.status != "open":
        raise ToolError("case_closed", f"The case {case.id} is closed already.")
    if device.error_code is not None:
        raise ToolError("fault_still_shown", f"The device {device.id} still shows a fault.")
    state.cases.update(case, status="closed", closed_on=ctx.today)
    return {"caseId": case.id, "topic": case.topic, "closedOn": ctx.today}


def order_part(
    state: Desk,
    ctx: Context,
    deviceId: DeviceId,
    partId: Annotated[str, "Id of the part, such as PA-1013."],
    quantity: Annotated[int, Field(ge=1, le=20), "How many pieces."],
) -> dict[str, Any]:
    """Order a spare part that fits a device and is in stock, to be sent to the device's site."""
    device = _device(state, deviceId)
    part = state.parts.need(partId, "part_not_found", f"There is no part with the id {partId}.")
    if part.model != device.model:
        raise ToolError("does_not_fit", f"The {part.name} {part.id} fits {part.model} only.")
    if part.stock < quantity:
        raise ToolError("out_of_stock", f"Of the {part.name}, {part.stock} are in stock.")
    total = part.price_cents * quantity
    state.parts.update(part, stock=part.stock - quantity)
    order = state.orders.add(
        device_id=device.id,
        part_id=part.id,
        quantity=quantity,
        total_cents=total,
        ordered_on=ctx.today,
    )
    return {"orderId": order.id, "part": part.name, "quantity": quantity, "totalCents": total}


# -- what the person at the device can do ----------------------------------------------------------

Site = Annotated[str, "Street and number of the house you are in."]


def read_display(state: Desk, ctx: Context, site: Site) -> dict[str, Any]:
    """Read the display: fault code (A00 = none), water pressure, service mode, pairing code."""
    device = _powered_at(state, site)
    return _display(ctx, device, site)


def read_label(state: Desk, ctx: Context, site: Site) -> dict[str, Any]:
    """Read the label on the side of the device: model and serial number."""
    device = _at(state, site)
    return {"site": site, "model": device.model, "serialNumber": device.id}


def press_service_button(state: Desk, ctx: Context, site: Site) -> dict[str, Any]:
    """Press the service button: service mode starts, and ends by itself within half an hour.

    It ends on the second quarter of an hour that strikes from now.
    """
    device = _powered_at(state, site)
    now = datetime.fromisoformat(ctx.now)
    quarter = now - timedelta(minutes=now.minute % 15)
    until = (quarter + timedelta(minutes=30)).isoformat(timespec="minutes")
    ctx.unschedule("service_mode_end", device_id=device.id)
    ctx.schedule("service_mode_end", at=until, device_id=device.id)
    pressed = state.devices.update(device, service_until=until)
    return _display(ctx, pressed, site)


def restart_device(state: Desk, ctx: Context, site: Site) -> dict[str, Any]:
    """Restart the device, which takes five minutes, and see what its display shows then.

    Service mode ends. A hung controller (C05) is cured by it.
    """
    device = _powered_at(state, site)
    cured = None if device.error_code == RESTART_CURES else device.error_code
    ctx.unschedule("service_mode_end", device_id=device.id)
    restarted = state.devices.update(device, error_code=cured, service_until=None)
    ctx.advance(5)
    return _display(ctx, restarted, site)


def top_up_pressure(state: Desk, ctx: Context, site: Site) -> dict[str, Any]:
    """Fill up heating water until the gauge stands in the middle of its green range."""
    device = _at(state, site)
    low, high = RANGE_DBAR[device.model]
    filled = state.devices.update(device, pressure_dbar=(low + high) // 2)
    return {"site": site, "pressure": _bar(filled)}


def switch_breaker(
    state: Desk,
    ctx: Context,
    site: Site,
    position: Annotated[Literal["on", "off"], "Where to switch it."],
) -> dict[str, Any]:
    """Switch the heat pump's breaker in the fuse box."""
    device = _at(state, site)
    state.devices.update(device, powered=position == "on")
    return {"site": site, "breaker": position}


# -- shared ----------------------------------------------------------------------------------------


def _installation(state: Desk, installation_id: str) -> Installation:
    message = f"There is no installation with the id {installation_id}."
    return state.installations.need(installation_id, "installation_not_found", message)


def _device(state: Desk, device_id: str) -> Device:
    message = f"There is no device with the serial number {device_id}."
    return state.devices.need(device_id, "device_not_found", message)


def _reachable(state: Desk, device_id: str) -> Device:
    device = _device(state, device_id)
    if not device.powered:
        raise ToolError("device_offline", f"The device {device.id} does not answer; is it on?")
    return device


def _unlocked(device: Device) -> None:
    if device.locked:
        raise ToolError("device_locked", f"The device {device.id} is locked after a fault.")


def _serviced(ctx: Context, device: Device) -> bool:
    return device.service_until is not None and device.service_until > ctx.now


def _in_service_mode(ctx: Context, device: Device) -> None:
    if not _serviced(ctx, device):
        message = f"The device {device.id} is not in service mode; it starts with a button on it."
        raise ToolError("not_in_service_mode", message)


def _ahead(ctx: Context, day: str) -> None:
    if day <= ctx.today:
        raise ToolError("date_not_ahead", f"The date {day} does not lie after today, {ctx.today}.")


def _at(state: Desk, site: str) -> Device:
    one = state.installations.find(site=site)
    devices = [] if one is None else state.devices.where(installation_id=one.id)
    if len(devices) != 1:
        raise ToolError("no_single_device", f"There is no single heat pump of yours at {site}.")
    return devices[0]


def _powered_at(state: Desk, site: str) -> Device:
    device = _at(state, site)
    if not device.powered:
        raise ToolError("display_dark", "The display is dark and no button does anything.")
    return device


def _display(ctx: Context, device: Device, site: str) -> dict[str, Any]:
    in_service = _serviced(ctx, device)
    return {
        "site": site,
        "errorCode": device.error_code or NO_FAULT,
        "pressure": _bar(device),
        "serviceMode": in_service,
        "pairingCode": device.pairing_code if in_service else None,
    }


def _bar(device: Device) -> dict[str, Any]:
    return {"value": device.pressure_dbar / 10, "unit": "bar"}


# -- the starting state: the same for the same seed ------------------------------------------------

_FIRST = (
    *("Ana", "Diana", "Ian", "Brian", "Lena", "Helena", "Dora", "Amir", "Samir", "Mina", "Jasmina"),
    *("Kwame", "Ngozi", "Priya", "Ravi", "Linh", "Kenji", "Mateo", "Leila", "Tomas", "Zofia"),
    *("Yusuf", "Greta", "Ingrid", "Paolo", "Noor", "Femi", "Astrid", "Emil", "Rosa"),
)
_LAST = (
    *("Berg", "Bergman", "Holt", "Holter", "Ross", "Rossi", "Kim", "Kimura", "Silva", "Marsh"),
    *("Marshall", "Okoro", "Nguyen", "Haddad", "Mensah", "Singh", "Ortega", "Lind", "Lindqvist"),
    *("Abebe", "Tanaka", "Novak", "Fischer", "Dubois", "Castro", "Moreau", "Keller", "Jansen"),
)
_ROADS = (
    *("Orchard", "Mill", "Quarry", "Chapel", "Brook", "Larch", "Ferry", "Tanner", "Willow"),
    *("Beacon", "Station", "Cooper", "Meadow", "Abbey", "Heron", "Linden", "Juniper", "Harbour"),
)
_KINDS_OF_ROAD = ("Lane", "Road", "Street", "Close", "Way", "Hill")
_ESTATES = ("Kestrel", "Alder", "Granary", "Lakeside", "Foundry", "Vineyard", "Sandhill", "Mallow")
_HOUSES = ("Aspen", "Cedar", "Magnolia", "Poplar", "Rowan", "Hazel", "Maple", "Laurel")
_PLACES = ("cellar", "garage", "utility room", "boiler room", "garden shed")
_ROOMS = ("living room", "kitchen", "hallway", "bathroom", "guest room")
_TECHNICIANS = ("R. Voss", "J. Adeyemi", "M. Petrov", "S. Lund", "C. Ferreira", "T. Okada")
_PARTS: tuple[tuple[str, Category, int], ...] = (
    ("fine filter", "filter", 2450),
    ("coarse filter", "filter", 1290),
    ("carbon filter", "filter", 3890),
    ("fleece filter", "filter", 1780),
    ("pollen filter", "filter", 2990),
    ("mesh filter", "filter", 1560),
    ("circulation pump", "pump", 18900),
    ("condensate pump", "pump", 9450),
    ("expansion valve", "valve", 6720),
    ("three-way valve", "valve", 8150),
    ("relief valve", "valve", 3340),
    ("flow sensor", "sensor", 4480),
    ("outdoor sensor", "sensor", 3120),
    ("room sensor", "sensor", 5260),
    ("display board", "board", 14300),
    ("fan board", "board", 11850),
)
_MODELS: tuple[Model, ...] = ("HP5", "HP7", "HP9")
_MODES: tuple[Mode, ...] = ("auto", "heating", "cooling", "standby")
_WEEKDAYS: tuple[Weekday, ...] = (
    *("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
)
_AREAS: tuple[Area, ...] = ("north", "south", "west")
_HOMES = 64
_ESTATE_SIZES = ((17, 24), (42, 58), (88, 115), (275, 320))
_HOUSE_SIZES = ((5, 3), (5, 4), (6, 4), (7, 2))
"""Flats on a staircase, staircases."""
_STATES = (
    *("fine", "fault", "fine", "pressure", "fine", "off", "fault", "fine", "frozen", "fine"),
    *("refrigerant", "fine", "pressure", "fault", "fine", "hung", "fine", "worn", "fine", "off"),
)
"""What is wrong with the homes' devices, in turn."""
_BENCHES = 56
_BENCH_STATES = ("fine", "fault", "pressure", "fine", "off", "frozen", "pressure", "hung", "worn")


def seed(rng: random.Random, today: str) -> Iterator[Record]:
    """Give the records of a world."""
    yield from _seed_parts(rng)
    slots = list(_seed_slots(rng, today))
    yield from slots
    serials = iter(rng.sample(range(100, 99999), 1400))
    names = rng.sample([f"{first} {last}" for first in _FIRST for last in _LAST], _HOMES + 5)
    roads = [f"{road} {kind}" for road in _ROADS for kind in _KINDS_OF_ROAD]
    streets = iter(rng.sample(roads, len(roads)))
    visits: list[Visit] = []
    number = 0
    for place, name in enumerate(names[:_HOMES]):
        customer = _customer(rng, place, name, "private", today)
        yield customer
        for use in ("home", "second") if place % 4 == 1 else ("home",):
            site = f"{rng.randint(2, 148)} {next(streets)}"
            one = _site(rng, number, customer, site, use, today)
            yield one
            state = _STATES[place % len(_STATES)] if use == "home" else "fine"
            device = _home_device(rng, next(serials), one, state)
            yield device
            count = SENSOR_PLACES if rng.random() < 0.15 else 2
            for spot, room in enumerate(rng.sample(_ROOMS, count)):
                yield Sensor(id=f"SE-{20117 + number * 53 + spot}", device_id=device.id, room=room)
            if state in ("frozen", "hung"):
                yield Case(
                    id=f"CA-{50213 + number * 29}",
                    customer_id=customer.id,
                    device_id=device.id,
                    site=site,
                    topic="a frozen display",
                    opened_on=add_days(today, -rng.randint(1, 9)),
                )
            if number % 3 == 0:
                visits += _booked(rng, one, slots, {visit.slot_id for visit in visits})
            number += 1
    yield from visits
    yield from _seed_companies(rng, names[_HOMES:-1], number, serials, today)
    yield from _seed_workshop(rng, names[-1], number + 8, serials, today)


def _customer(
    rng: random.Random, place: int, name: str, kind: Literal["private", "company"], today: str
) -> Customer:
    plan: Literal["none", "basic", "comfort"] = rng.choice(("none", "basic", "basic", "comfort"))
    if kind == "company":
        plan = "comfort"
    until = add_days(today, rng.randint(20, 700) if rng.random() < 0.8 else -rng.randint(5, 200))
    host = "postbox.example" if kind == "private" else "housing.example"
    return Customer(
        id=f"CU-{4127 + place * 13}",
        name=name,
        email=f"{name.lower().replace(' ', '.')}@{host}",
        kind=kind,
        plan=plan,
        contract_until=None if plan == "none" else until,
    )


def _site(
    rng: random.Random,
    number: int,
    customer: Customer,
    site: str,
    use: Literal["home", "second", "house", "estate", "workshop"],
    today: str,
) -> Installation:
    return Installation(
        id=f"IN-{3019 + number * 17}",
        customer_id=customer.id,
        site=site,
        use=use,
        heating=rng.choice(("underfloor", "underfloor", "radiators")),
        area=rng.choice(_AREAS),
        warranty_until=add_days(today, rng.randint(-150, 170)),
    )


def _home_device(rng: random.Random, serial: int, one: Installation, state: str) -> Device:
    model = rng.choice(_MODELS)
    device = _plain_device(rng, serial, one, model, rng.choice(_PLACES))
    changes: dict[str, Any] = {}
    match state:
        case "fault" | "worn":
            resets = 2 if state == "worn" else rng.randint(0, 1)
            code = rng.choice(("E12", "E17", "E24", "E43"))
            changes |= {"error_code": code, "locked": True, "remote_resets": resets}
        case "refrigerant":
            changes |= {"error_code": rng.choice(("R07", "R11")), "locked": True}
        case "pressure":
            changes |= {"error_code": PRESSURE_ALARM, "pressure_dbar": rng.randint(3, 8)}
        case "frozen":
            changes |= {"error_code": RESTART_CURES}
        case "hung":
            changes |= {"error_code": "C09"}
        case "off":
            changes |= {"powered": False}
        case _:
            pass
    return device.model_copy(update=changes)


def _plain_device(
    rng: random.Random,
    serial: int,
    one: Installation,
    model: Model,
    location: str,
    staircase: str | None = None,
) -> Device:
    low, high = RANGE_DBAR[model]
    latest = LATEST[model]
    older = f"{latest[:2]}{int(latest[2:]) - rng.randint(1, 3)}"
    return Device(
        id=f"{model}-{serial:05}-K",
        installation_id=one.id,
        location=location,
        staircase=staircase,
        model=model,
        firmware=latest if rng.random() < 0.3 else older,
        mode=rng.choice(_MODES),
        flow_celsius=rng.randint(31, 39) if one.heating == "underfloor" else rng.randint(42, 55),
        pressure_dbar=rng.randint(low, high),
        filter_days=rng.randint(1, 180),
        energy_kwh=rng.randint(1200, 48000),
        legionella_day=rng.choice(_WEEKDAYS),
        legionella_time=rng.choice(("01:00", "02:00", "03:00")),
        remote_resets=rng.randint(0, 1),
        pairing_code=f"{rng.randint(1000, 9999)}",
    )


def _booked(
    rng: random.Random, one: Installation, slots: list[Slot], taken: set[str]
) -> list[Visit]:
    """Give a visit on one of the area's slots that nobody else has."""
    able = [s for s in slots if s.area == one.area and not s.free and s.id not in taken]
    if not able:
        return []
    slot = rng.choice(able)
    return [
        Visit(
            id=f"VI-{30117 + int(one.id[3:]) * 3}",
            customer_id=one.customer_id,
            installation_id=one.id,
            site=one.site,
            slot_id=slot.id,
            date=slot.date,
            part_of_day=slot.part_of_day,
            reason=rng.choice(("maintenance", "repair", "advice")),
        )
    ]


def _seed_parts(rng: random.Random) -> Iterator[Record]:
    for row, model in enumerate(_MODELS):
        for column, (name, category, price) in enumerate(_PARTS):
            yield Part(
                id=f"PA-{1013 + (row * len(_PARTS) + column) * 37}",
                model=model,
                name=name,
                category=category,
                price_cents=price + row * 350 + rng.randint(0, 12) * 10,
                stock=0 if rng.random() < 0.18 else rng.randint(3, 40),
            )


def _seed_slots(rng: random.Random, today: str) -> Iterator[Slot]:
    number = 0
    for area in _AREAS:
        for day in range(1, 27):
            for part_of_day in ("morning", "afternoon"):
                if rng.random() < 0.5:
                    yield Slot(
                        id=f"SL-{2041 + number * 11}",
                        area=area,
                        date=add_days(today, day),
                        part_of_day=part_of_day,
                        technician=rng.choice(_TECHNICIANS),
                        free=rng.random() < 0.6,
                    )
                    number += 1


def _seed_companies(
    rng: random.Random, names: list[str], number: int, serials: Iterator[int], today: str
) -> Iterator[Record]:
    estates = rng.sample(_ESTATES, len(_ESTATE_SIZES))
    houses = rng.sample(_HOUSES, len(_HOUSE_SIZES))
    for place, name in enumerate(names):
        customer = _customer(rng, _HOMES + place, name, "company", today)
        yield customer
        house = _site(rng, number, customer, f"{houses[place]} house", "house", today)
        yield house
        flats, staircases = _HOUSE_SIZES[place]
        yield from _flats(rng, serials, house, flats * staircases, flats)
        estate = _site(rng, number + 1, customer, f"{estates[place]} estate", "estate", today)
        yield estate
        yield from _flats(rng, serials, estate, rng.randint(*_ESTATE_SIZES[place]), 60)
        number += 2


def _flats(
    rng: random.Random, serials: Iterator[int], one: Installation, count: int, per_staircase: int
) -> Iterator[Record]:
    """Give a device for each flat; no two of them have used the same energy."""
    energy = rng.sample(range(1200, 48000), count)
    for number in range(count):
        staircase = "ABCDEFGH"[number // per_staircase]
        location = f"flat {staircase}-{number % per_staircase + 1:02}"
        device = _plain_device(rng, next(serials), one, rng.choice(_MODELS), location, staircase)
        yield device.model_copy(update={"energy_kwh": energy[number]})


def _seed_workshop(
    rng: random.Random, name: str, number: int, serials: Iterator[int], today: str
) -> Iterator[Record]:
    """Give the hall in which installers are trained: devices in every state there is."""
    owner = _customer(rng, _HOMES + 9, name, "company", today)
    yield owner
    hall = _site(rng, number, owner, "training hall", "workshop", today)
    yield hall
    for place in range(_BENCHES):
        state = _BENCH_STATES[place % len(_BENCH_STATES)]
        device = _home_device(rng, next(serials), hall, state)
        low, high = RANGE_DBAR[device.model]
        changes: dict[str, Any] = {"location": f"bench {place + 1:02}"}
        if place % 3 != 2:
            changes["service_until"] = f"{today}T{rng.choice(('09:30', '09:45', '10:30'))}"
        if state == "pressure" and place % 2:
            changes["pressure_dbar"] = rng.choice((low - 1, low, high, high + 1))
        device = device.model_copy(update=changes)
        yield device
        for spot, room in enumerate(_ROOMS[: rng.choice((0, 3, SENSOR_PLACES, SENSOR_PLACES))]):
            yield Sensor(id=f"SE-{60117 + place * 53 + spot}", device_id=device.id, room=room)
        closed = rng.random() < 0.3
        yield Case(
            id=f"CA-{70213 + place * 29}",
            customer_id=owner.id,
            device_id=device.id,
            site=hall.site,
            topic=rng.choice(("noise", "icing", "vibration", "rust")),
            opened_on=add_days(today, -rng.randint(3, 40)),
            status="closed" if closed else "open",
            closed_on=add_days(today, -1) if closed else None,
        )


# -- what counts of this file ----------------------------------------------------------------------

STATE = Desk
ENTITIES = {
    "customer": entity(Customer, id_pattern="CU-####", natural_key=("name", "email")),
    "installation": entity(
        Installation, id_pattern="IN-####", natural_key=("site",), unique=(("site",),)
    ),
    "device": entity(Device, id_pattern="HP#-#####-K", natural_key=("installation_id", "location")),
    "sensor": entity(
        Sensor,
        id_pattern="SE-#####",
        natural_key=("device_id", "room"),
        unique=(("device_id", "room"),),
    ),
    "slot": entity(Slot, id_pattern="SL-####", natural_key=("area", "date", "part_of_day")),
    "visit": entity(Visit, id_pattern="VI-#####", natural_key=("installation_id", "date")),
    "case": entity(Case, id_pattern="CA-#####", natural_key=("device_id", "topic")),
    "part": entity(Part, id_pattern="PA-####", natural_key=("model", "name")),
    "order": entity(Order, id_pattern="OR-#####"),
}
TOOLS = (
    read(search_customers, name="searchCustomers"),
    read(get_customer, name="getCustomer"),
    read(get_installation, name="getInstallation"),
    read(get_device, name="getDevice"),
    read(get_energy_counter, name="getEnergyCounter"),
    read(list_visit_slots, name="listVisitSlots"),
    read(list_parts, name="listParts"),
    write(set_operating_mode, name="setOperatingMode"),
    write(set_flow_temperature, name="setFlowTemperature"),
    write(set_legionella_schedule, name="setLegionellaSchedule"),
    write(reset_device, name="resetDevice"),
    write(clear_pressure_alarm, name="clearPressureAlarm"),
    write(pair_sensor, name="pairSensor"),
    write(schedule_firmware_update, name="scheduleFirmwareUpdate"),
    write(book_visit, name="bookVisit"),
    write(cancel_visit, name="cancelVisit"),
    write(open_case, name="openCase"),
    write(close_case, name="closeCase"),
    write(order_part, name="orderPart"),
)
USER_TOOLS = (
    read(read_display, name="readDisplay"),
    read(read_label, name="readLabel"),
    write(press_service_button, name="pressServiceButton"),
    write(restart_device, name="restartDevice"),
    write(top_up_pressure, name="topUpPressure"),
    write(switch_breaker, name="switchBreaker"),
)
