"""Wind farms as their control room sees them: turbines, alarms, work orders, lock-outs, stores.

Every tool that changes something takes the contact who asks for it; the world sees to it that they
belong to the farm. What else the policy asks of a change is for whoever makes the call.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Annotated, Any, Literal

from pydantic import Field

from agentsynth.worlds.python import (
    Context,
    Date,
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

Role = Literal["site_manager", "technician", "landowner", "fleet_engineer"]
State = Literal["running", "paused", "locked_out", "fault"]
NoiseMode = Literal["standard", "reduced", "quiet"]
Severity = Literal["info", "warning", "critical"]
AlarmState = Literal["open", "acknowledged"]
OrderState = Literal["open", "assigned", "on_site", "done", "cancelled"]
Priority = Literal["urgent", "high", "normal", "low"]
Trade = Literal["mechanical", "electrical", "blades"]
Job = Literal[
    "bolt torque check",
    "converter repair",
    "gearbox oil change",
    "yaw brake repair",
    "hydraulics service",
    "pitch battery swap",
    "slip ring cleaning",
    "blade inspection",
    "leading edge repair",
    "fault inspection",
]

TRADES: dict[str, Trade] = {
    "gearbox oil change": "mechanical",
    "bolt torque check": "mechanical",
    "yaw brake repair": "mechanical",
    "hydraulics service": "mechanical",
    "pitch battery swap": "electrical",
    "converter repair": "electrical",
    "slip ring cleaning": "electrical",
    "blade inspection": "blades",
    "leading edge repair": "blades",
    "fault inspection": "electrical",
}
FORECAST_DAYS = 14


class Farm(Record):
    """A wind farm with a depot of its own."""

    id: str
    name: str


class Contact(Record):
    """Somebody on the contact list of a farm, or of the whole fleet."""

    id: str
    name: str
    email: str
    role: Role
    farm_id: Annotated[str | None, Ref("farm"), "Null for fleet engineers."] = None
    farm: Annotated[str | None, "The farm's name."] = None


class Technician(Record):
    """A technician of a farm's crew, with what they are certified for."""

    id: str
    contact_id: Annotated[str, Ref("contact")]
    name: str
    farm_id: Annotated[str, Ref("farm")]
    shift: Literal["early", "late"]
    height_until: Annotated[Date, "Last day of the certificate for work at height."]
    electrical_until: Annotated[Date | None, "The same for electrical work; null = none."] = None


class Turbine(Record):
    """A turbine; its label is painted on the tower."""

    id: str
    label: str
    farm_id: Annotated[str, Ref("farm")]
    row: Annotated[str, "Letter of the farm and number of the row, such as A-3."]
    model: Literal["K90", "K117", "K136"]
    state: State
    noise_mode: NoiseMode
    landowner_id: Annotated[str | None, Ref("contact"), "On whose land it stands."]
    service_due_on: Date
    gearbox_celsius: int
    vibration_mm_s: int
    yield_kwh: Annotated[int, "Of the day before."]
    permit_holder_id: Annotated[str | None, Ref("technician"), "Who holds the lock-out permit."] = (
        None
    )
    permit_since: Date | None = None
    planned_mode: Annotated[NoiseMode | None, "Noise mode that it goes into later."] = None
    planned_from: Date | None = None


class Alarm(Record):
    """An alarm that a turbine has raised."""

    id: str
    turbine_id: Annotated[str, Ref("turbine")]
    label: Annotated[str, "The turbine's label."]
    farm_id: Annotated[str, Ref("farm")]
    code: str
    component: Literal["gearbox", "pitch", "yaw", "generator", "converter", "hydraulics"]
    severity: Severity
    raised_on: Date
    status: AlarmState = "open"
    acknowledged_by: Annotated[str | None, Ref("contact")] = None


class Order(Record):
    """A work order."""

    id: str
    turbine_id: Annotated[str, Ref("turbine")]
    label: Annotated[str, "The turbine's label."]
    farm_id: Annotated[str, Ref("farm")]
    job: Job
    trade: Trade
    priority: Priority
    status: OrderState = "open"
    created_on: Date
    technician_id: Annotated[str | None, Ref("technician")] = None
    technician: Annotated[str | None, "The technician's name."] = None
    work_date: Date | None = None
    part_id: Annotated[str | None, Ref("part"), "Part that is set aside for it."] = None
    part_quantity: int = 0


class Part(Record):
    """A spare part in the depot of a farm."""

    id: str
    farm_id: Annotated[str, Ref("farm")]
    name: str
    job: Annotated[Job, "The job that takes it."]
    stock: Annotated[int, "Pieces that are not set aside."]


class ForecastDay(Record):
    """The strongest gusts that are forecast for a farm on a day."""

    id: str
    farm_id: Annotated[str, Ref("farm")]
    date: Date
    gusts_m_s: int


@dataclass(frozen=True)
class ControlRoom:
    """The state: one table for each entity."""

    farms: Table[Farm]
    contacts: Table[Contact]
    technicians: Table[Technician]
    turbines: Table[Turbine]
    alarms: Table[Alarm]
    orders: Table[Order]
    parts: Table[Part]
    forecast: Table[ForecastDay]


ContactId = Annotated[str, "Id of the contact who asks for it, such as CT-1013."]
FarmId = Annotated[str, "Id of the farm, such as FA-21."]
TurbineId = Annotated[str, "Id of the turbine, such as WT-1017."]
OrderId = Annotated[str, "Id of the work order, such as WO-20931."]
TechnicianId = Annotated[str, "Id of the technician, such as TE-1383."]


# -- looking things up -----------------------------------------------------------------------------


def contact_find(
    state: ControlRoom,
    ctx: Context,
    name: Annotated[str, Field(min_length=2), "Full name or a part of it."],
) -> dict[str, Any]:
    """Find people on the contact lists by name.

    Matches any part of the name, ignoring case, so several people can come back; compare the email
    address before using an id. Fleet engineers belong to no single farm.
    """
    found = [one for one in state.contacts.all() if name.casefold() in one.name.casefold()]
    found.sort(key=lambda one: (one.name, one.email))
    return {
        "total": len(found),
        "contacts": [
            {
                "contact_id": one.id,
                "name": one.name,
                "email": one.email,
                "role": one.role,
                "farm_id": one.farm_id,
                "farm": one.farm,
            }
            for one in found
        ],
    }


def asset_list_turbines(
    state: ControlRoom,
    ctx: Context,
    farm: Annotated[str | None, "Name of a farm: only its turbines."] = None,
) -> dict[str, Any]:
    """List turbines by id, of one farm or of the whole fleet: row, state and noise mode."""
    if farm is None:
        found = state.turbines.all()
    else:
        only = state.farms.find(name=farm)
        if only is None:
            raise ToolError("farm_not_found", f"There is no farm called {farm}.")
        found = state.turbines.where(farm_id=only.id)
    found.sort(key=lambda one: one.id)
    return {
        "farm": farm,
        "as_of": ctx.today,
        "total": len(found),
        "turbines": [
            {
                "turbine_id": one.id,
                "label": one.label,
                "row": one.row,
                "state": one.state,
                "noise_mode": one.noise_mode,
            }
            for one in found
        ],
    }


def asset_get_turbine(
    state: ControlRoom,
    ctx: Context,
    label: Annotated[str, "Label on the tower, such as A17."],
) -> dict[str, Any]:
    """Get a turbine by the label on its tower.

    Shows its farm, row, model, state, noise mode and the change planned for it, on whose land it
    stands, when its service is due, and who holds its lock-out permit since when.
    """
    turbine = state.turbines.find(label=label)
    if turbine is None:
        raise ToolError("turbine_not_found", f"There is no turbine {label}.")
    farm = _farm(state, turbine.farm_id)
    owner = state.contacts.get(turbine.landowner_id)
    holder = state.technicians.get(turbine.permit_holder_id)
    return {
        "as_of": ctx.today,
        "turbine_id": turbine.id,
        "label": turbine.label,
        "farm_id": farm.id,
        "farm": farm.name,
        "row": turbine.row,
        "model": turbine.model,
        "state": turbine.state,
        "noise_mode": turbine.noise_mode,
        "planned_mode": turbine.planned_mode,
        "planned_from": turbine.planned_from,
        "landowner": None if owner is None else owner.name,
        "service_due_on": turbine.service_due_on,
        "permit_holder": None if holder is None else holder.name,
        "permit_since": turbine.permit_since,
    }


def scada_read(state: ControlRoom, ctx: Context, turbine_id: TurbineId) -> dict[str, Any]:
    """Read a turbine's sensors: gearbox oil, vibration of the nacelle, yield of the day before."""
    turbine = _turbine(state, turbine_id)
    return {
        "turbine_id": turbine.id,
        "label": turbine.label,
        "read_at": ctx.now,
        "gearbox": {"value": turbine.gearbox_celsius, "unit": "°C"},
        "vibration": {"value": turbine.vibration_mm_s, "unit": "mm/s"},
        "yield_yesterday": {"value": turbine.yield_kwh, "unit": "kWh"},
    }


def scada_list_alarms(
    state: ControlRoom,
    ctx: Context,
    farm_id: FarmId,
    turbine_id: Annotated[str | None, "Only alarms of this turbine."] = None,
    severity: Annotated[Severity | None, "Only alarms of this severity."] = None,
    status: Annotated[AlarmState, "Open alarms (the default) or acknowledged ones."] = "open",
) -> dict[str, Any]:
    """List a farm's alarms, the oldest first. Open ones, unless acknowledged ones are asked for."""
    _farm(state, farm_id)
    wanted: dict[str, Any] = {"farm_id": farm_id, "status": status}
    if turbine_id is not None:
        wanted["turbine_id"] = turbine_id
    if severity is not None:
        wanted["severity"] = severity
    found = sorted(state.alarms.where(**wanted), key=lambda one: (one.raised_on, one.id))
    return {
        "as_of": ctx.today,
        "total": len(found),
        "alarms": [
            {
                "alarm_id": one.id,
                "label": one.label,
                "code": one.code,
                "component": one.component,
                "severity": one.severity,
                "raised_on": one.raised_on,
                "status": one.status,
            }
            for one in found
        ],
    }


def wo_list(
    state: ControlRoom,
    ctx: Context,
    farm_id: FarmId,
    turbine_id: Annotated[str | None, "Only orders for this turbine."] = None,
    status: Annotated[
        OrderState | None, "Only orders in this state; without it, all but done and cancelled ones."
    ] = None,
) -> dict[str, Any]:
    """List a farm's work orders by id: job, trade, priority, state, technician, day, part."""
    _farm(state, farm_id)
    found = [
        one
        for one in state.orders.where(farm_id=farm_id)
        if (turbine_id is None or one.turbine_id == turbine_id)
        and (one.status == status if status else one.status not in ("done", "cancelled"))
    ]
    found.sort(key=lambda one: one.id)
    return {
        "as_of": ctx.today,
        "total": len(found),
        "orders": [
            {
                "order_id": one.id,
                "label": one.label,
                "job": one.job,
                "trade": one.trade,
                "priority": one.priority,
                "status": one.status,
                "technician": one.technician,
                "work_date": one.work_date,
                "part_id": one.part_id,
            }
            for one in found
        ],
    }


def crew_list(state: ControlRoom, ctx: Context, farm_id: FarmId) -> dict[str, Any]:
    """List a farm's technicians by name.

    Shows shift, and how long the certificates for work at height and for electrical work are valid.
    """
    _farm(state, farm_id)
    crew = sorted(state.technicians.where(farm_id=farm_id), key=lambda one: one.name)
    return {
        "as_of": ctx.today,
        "total": len(crew),
        "technicians": [
            {
                "technician_id": one.id,
                "name": one.name,
                "shift": one.shift,
                "height_until": one.height_until,
                "electrical_until": one.electrical_until,
            }
            for one in crew
        ],
    }


def stock_list(state: ControlRoom, ctx: Context, farm_id: FarmId) -> dict[str, Any]:
    """List the spare parts in a farm's depot by name, with the pieces that are not set aside."""
    farm = _farm(state, farm_id)
    parts = sorted(state.parts.where(farm_id=farm_id), key=lambda one: one.name)
    return {
        "farm": farm.name,
        "total": len(parts),
        "parts": [{"part_id": one.id, "name": one.name, "in_stock": one.stock} for one in parts],
    }


def wx_forecast(state: ControlRoom, ctx: Context, farm_id: FarmId) -> dict[str, Any]:
    """Forecast a farm's weather: the strongest gusts of each day from today on."""
    farm = _farm(state, farm_id)
    days = state.forecast.between("date", ctx.today, None, farm_id=farm_id)
    days.sort(key=lambda one: one.date)
    return {
        "farm": farm.name,
        "as_of": ctx.today,
        "days": [
            {"date": one.date, "gusts": {"value": one.gusts_m_s, "unit": "m/s"}} for one in days
        ],
    }


# -- turbines --------------------------------------------------------------------------------------


def scada_ack_alarm(
    state: ControlRoom,
    ctx: Context,
    contact_id: ContactId,
    alarm_id: Annotated[str, "Id of the open alarm, such as AL-30011."],
) -> dict[str, Any]:
    """Acknowledge one open alarm in somebody's name. Each alarm takes a call of its own."""
    alarm = state.alarms.need(alarm_id, "alarm_not_found", f"There is no alarm {alarm_id}.")
    _asked_by(state, contact_id, alarm.farm_id)
    if alarm.status != "open":
        raise ToolError("alarm_not_open", f"The alarm {alarm.id} has been acknowledged already.")
    state.alarms.update(alarm, status="acknowledged", acknowledged_by=contact_id)
    return {"alarm_id": alarm.id, "code": alarm.code, "status": "acknowledged"}


def scada_set_noise_mode(
    state: ControlRoom,
    ctx: Context,
    contact_id: ContactId,
    turbine_id: TurbineId,
    noise_mode: Annotated[NoiseMode, "Mode to run in; quiet is the quietest."],
) -> dict[str, Any]:
    """Set the noise mode of one turbine, at once. What is planned for a later day stays planned."""
    turbine = _turbine(state, turbine_id)
    _asked_by(state, contact_id, turbine.farm_id)
    if turbine.noise_mode == noise_mode:
        raise ToolError(
            "noise_mode_unchanged", f"Turbine {turbine.label} is in {noise_mode} mode already."
        )
    state.turbines.update(turbine, noise_mode=noise_mode)
    return {"label": turbine.label, "noise_mode": noise_mode}


def scada_command(
    state: ControlRoom,
    ctx: Context,
    contact_id: ContactId,
    turbine_id: TurbineId,
    command: Annotated[Literal["pause", "resume"], "What the turbine is to do."],
) -> dict[str, Any]:
    """Pause a turbine that is running, or resume one that is paused or in fault."""
    turbine = _turbine(state, turbine_id)
    _asked_by(state, contact_id, turbine.farm_id)
    if turbine.state == "locked_out":
        raise ToolError("turbine_locked_out", f"Turbine {turbine.label} is locked out.")
    if command == "pause":
        if turbine.state != "running":
            raise ToolError(
                "turbine_not_running", f"Turbine {turbine.label} stands still: {turbine.state}."
            )
        turbine = state.turbines.update(turbine, state="paused")
    else:
        if turbine.state == "running":
            raise ToolError("already_running", f"Turbine {turbine.label} is running already.")
        turbine = state.turbines.update(turbine, state="running")
    return {"label": turbine.label, "state": turbine.state}


def ops_plan_noise_mode(
    state: ControlRoom,
    ctx: Context,
    contact_id: ContactId,
    turbine_id: TurbineId,
    noise_mode: Annotated[NoiseMode, "Mode to run in; quiet is the quietest."],
    starts_on: Annotated[Date, "Later day from whose first minute it applies, YYYY-MM-DD."],
) -> dict[str, Any]:
    """Plan a change of the noise mode of one turbine for a later day.

    It replaces the change that is planned for the turbine, if there is one.
    """
    turbine = _turbine(state, turbine_id)
    _asked_by(state, contact_id, turbine.farm_id)
    _ahead(ctx, starts_on)
    if (turbine.planned_mode, turbine.planned_from) == (noise_mode, starts_on):
        raise ToolError("change_planned", f"That is planned for turbine {turbine.label} already.")
    if turbine.planned_mode is not None:
        ctx.unschedule("noise_mode_change", turbine_id=turbine.id)
    ctx.schedule("noise_mode_change", at=starts_on, turbine_id=turbine.id, noise_mode=noise_mode)
    state.turbines.update(turbine, planned_mode=noise_mode, planned_from=starts_on)
    return {"label": turbine.label, "noise_mode": noise_mode, "starts_on": starts_on}


def ops_schedule_stop(
    state: ControlRoom,
    ctx: Context,
    contact_id: ContactId,
    turbine_id: TurbineId,
    stop_date: Annotated[Date, "Day of the stop, YYYY-MM-DD."],
    from_time: Annotated[TimeOfDay, "Time at which the turbine stops, HH:MM."],
    minutes: Annotated[int, Field(ge=10, le=240), "How long it stands still."],
) -> dict[str, Any]:
    """Schedule a stop on a later day: the turbine pauses by itself and resumes when it is over.

    A stop that is scheduled for the same turbine and day already is replaced.
    """
    turbine = _turbine(state, turbine_id)
    _asked_by(state, contact_id, turbine.farm_id)
    _ahead(ctx, stop_date)
    begins = f"{stop_date}T{from_time}"
    ends = _later(begins, minutes)
    for effect, moment in (("stop_begins", begins), ("stop_ends", ends)):
        ctx.unschedule(effect, turbine_id=turbine.id, stop_date=stop_date)
        ctx.schedule(effect, at=moment, turbine_id=turbine.id, stop_date=stop_date)
    return {"label": turbine.label, "begins_at": begins, "ends_at": ends}


# -- work orders -----------------------------------------------------------------------------------


def wo_create(
    state: ControlRoom,
    ctx: Context,
    contact_id: ContactId,
    turbine_id: TurbineId,
    job: Annotated[Job, "What is to be done."],
    priority: Annotated[Priority, "How soon it matters."] = "normal",
) -> dict[str, Any]:
    """Open a work order for a turbine, to be assigned to a technician later."""
    turbine = _turbine(state, turbine_id)
    _asked_by(state, contact_id, turbine.farm_id)
    for one in state.orders.where(turbine_id=turbine.id, job=job):
        if one.status in ("open", "assigned", "on_site"):
            raise ToolError(
                "order_exists", f"There is an order {one.id} for {turbine.label}: {job}."
            )
    order = state.orders.add(
        turbine_id=turbine.id,
        label=turbine.label,
        farm_id=turbine.farm_id,
        job=job,
        trade=TRADES[job],
        priority=priority,
        created_on=ctx.today,
    )
    return {
        "order_id": order.id,
        "label": turbine.label,
        "job": job,
        "priority": priority,
        "status": "open",
    }


def wo_assign(
    state: ControlRoom,
    ctx: Context,
    contact_id: ContactId,
    order_id: OrderId,
    technician_id: TechnicianId,
    work_date: Annotated[Date, "Day of the work, YYYY-MM-DD."],
) -> dict[str, Any]:
    """Assign an open work order to a technician of the same farm for a day.

    A technician takes one order a day.
    """
    order = _order(state, order_id)
    _asked_by(state, contact_id, order.farm_id)
    technician = _crew(state, technician_id, order.farm_id)
    if order.status != "open":
        raise ToolError("order_not_open", f"The order {order.id} is not open: {order.status}.")
    if work_date < ctx.today:
        raise ToolError("date_passed", f"The day {work_date} has passed; today is {ctx.today}.")
    for one in state.orders.where(technician_id=technician.id, work_date=work_date):
        if one.status in ("assigned", "on_site"):
            raise ToolError("technician_busy", f"{technician.name} has an order on {work_date}.")
    state.orders.update(
        order,
        status="assigned",
        technician_id=technician.id,
        technician=technician.name,
        work_date=work_date,
    )
    return {
        "order_id": order.id,
        "job": order.job,
        "technician": technician.name,
        "work_date": work_date,
        "status": "assigned",
    }


def wo_set_status(
    state: ControlRoom,
    ctx: Context,
    contact_id: ContactId,
    order_id: OrderId,
    new_status: Annotated[Literal["on_site", "done", "cancelled"], "State the order goes into."],
) -> dict[str, Any]:
    """Move a work order on: assigned to on_site, on_site to done, open or assigned to cancelled.

    A crew goes on site only at a turbine that is locked out. A part that is set aside for an order
    goes back into stock when the order is cancelled.
    """
    order = _order(state, order_id)
    _asked_by(state, contact_id, order.farm_id)
    turbine = _turbine(state, order.turbine_id)
    if order.status in ("done", "cancelled"):
        raise ToolError("order_closed", f"The order {order.id} is closed: {order.status}.")
    if new_status == "on_site":
        if order.status != "assigned":
            raise ToolError("order_not_assigned", f"The order {order.id} is {order.status}.")
        if turbine.state != "locked_out":
            raise ToolError("not_locked_out", f"Turbine {turbine.label} is not locked out.")
    elif new_status == "done":
        if order.status != "on_site":
            raise ToolError("order_not_on_site", f"The order {order.id} is {order.status}.")
    elif order.status == "on_site":
        raise ToolError("crew_on_site", f"A crew is at work on {turbine.label}.")
    part = state.parts.get(order.part_id)
    if new_status == "cancelled" and part is not None:
        state.parts.update(part, stock=part.stock + order.part_quantity)
        order = state.orders.update(order, part_id=None, part_quantity=0)
    state.orders.update(order, status=new_status)
    return {
        "order_id": order.id,
        "label": turbine.label,
        "job": order.job,
        "status": new_status,
    }


def stock_reserve(
    state: ControlRoom,
    ctx: Context,
    contact_id: ContactId,
    order_id: OrderId,
    part_id: Annotated[str, "Id of the part, such as SP-4019."],
    quantity: Annotated[int, Field(ge=1, le=20), "How many pieces."],
) -> dict[str, Any]:
    """Set a spare part aside for a work order that has not begun. An order takes one kind of part.

    The part has to lie in the depot of the order's farm.
    """
    order = _order(state, order_id)
    _asked_by(state, contact_id, order.farm_id)
    part = state.parts.need(part_id, "part_not_found", f"There is no part {part_id}.")
    if part.farm_id != order.farm_id:
        raise ToolError("other_depot", f"The part {part.id} lies in the depot of another farm.")
    if order.status not in ("open", "assigned"):
        raise ToolError("order_begun", f"The order {order.id} is {order.status}.")
    if order.part_id is not None:
        raise ToolError("part_set_aside", f"A part is set aside for {order.id} already.")
    if part.stock < quantity:
        raise ToolError("out_of_stock", f"Of the {part.name}, {part.stock} are in stock.")
    state.parts.update(part, stock=part.stock - quantity)
    state.orders.update(order, part_id=part.id, part_quantity=quantity)
    return {
        "order_id": order.id,
        "part": part.name,
        "quantity": quantity,
        "left_in_stock": part.stock - quantity,
    }


# -- lock-outs -------------------------------------------------------------------------------------


def lto_request(
    state: ControlRoom,
    ctx: Context,
    contact_id: ContactId,
    turbine_id: TurbineId,
    technician_id: TechnicianId,
) -> dict[str, Any]:
    """Lock a turbine out and give a technician of its farm the permit to go in.

    The turbine has to stand still: paused, or in fault.
    """
    turbine = _turbine(state, turbine_id)
    _asked_by(state, contact_id, turbine.farm_id)
    technician = _crew(state, technician_id, turbine.farm_id)
    if turbine.state == "running":
        raise ToolError("turbine_running", f"Turbine {turbine.label} is running; pause it first.")
    if turbine.state == "locked_out":
        raise ToolError("already_locked_out", f"Turbine {turbine.label} is locked out already.")
    state.turbines.update(
        turbine, state="locked_out", permit_holder_id=technician.id, permit_since=ctx.today
    )
    return {"label": turbine.label, "state": "locked_out", "permit_holder": technician.name}


def lto_release(
    state: ControlRoom, ctx: Context, contact_id: ContactId, turbine_id: TurbineId
) -> dict[str, Any]:
    """Lift a turbine's lock-out once nobody is at work in it. It is paused then."""
    turbine = _turbine(state, turbine_id)
    _asked_by(state, contact_id, turbine.farm_id)
    if turbine.state != "locked_out":
        raise ToolError("no_lock_out", f"Turbine {turbine.label} is not locked out.")
    if state.orders.find(turbine_id=turbine.id, status="on_site") is not None:
        raise ToolError("crew_on_site", f"A crew is at work on {turbine.label}.")
    state.turbines.update(turbine, state="paused", permit_holder_id=None, permit_since=None)
    return {"label": turbine.label, "state": "paused"}


# -- what the tools have in common -----------------------------------------------------------------


def _farm(state: ControlRoom, farm_id: str) -> Farm:
    return state.farms.need(farm_id, "farm_not_found", f"There is no farm {farm_id}.")


def _turbine(state: ControlRoom, turbine_id: str) -> Turbine:
    message = f"There is no turbine with the id {turbine_id}."
    return state.turbines.need(turbine_id, "turbine_not_found", message)


def _order(state: ControlRoom, order_id: str) -> Order:
    return state.orders.need(order_id, "order_not_found", f"There is no order {order_id}.")


def _asked_by(state: ControlRoom, contact_id: str, farm_id: str) -> None:
    """Refuse whoever is not on the contact list of a farm, nor a fleet engineer."""
    message = f"There is no contact {contact_id}."
    contact = state.contacts.need(contact_id, "contact_not_found", message)
    if contact.role != "fleet_engineer" and contact.farm_id != farm_id:
        raise ToolError("other_farm", f"{contact.name} is on the contact list of another farm.")


def _crew(state: ControlRoom, technician_id: str, farm_id: str) -> Technician:
    message = f"There is no technician {technician_id}."
    technician = state.technicians.need(technician_id, "technician_not_found", message)
    if technician.farm_id != farm_id:
        raise ToolError("other_crew", f"{technician.name} belongs to the crew of another farm.")
    return technician


def _ahead(ctx: Context, day: str) -> None:
    if day <= ctx.today:
        raise ToolError("date_not_ahead", f"The day {day} is not after today, {ctx.today}.")


def _later(moment: str, minutes: int) -> str:
    """Return the datetime so many minutes later."""
    day, clock = moment.split("T")
    total = int(clock[:2]) * 60 + int(clock[3:]) + minutes
    days, rest = divmod(total, 24 * 60)
    return f"{add_days(day, days)}T{rest // 60:02}:{rest % 60:02}"


# -- the starting state ----------------------------------------------------------------------------

_FARMS = (
    *("Harrow Moor", "Long Fell", "Saltmarsh", "Kettle Ridge", "Broad Heath", "Raven Hill"),
    *("Windmill Down", "Cold Point", "Stonegate", "Lark Rise", "Ash Common", "Gull Sands"),
)
_SIZES = (22, 26, 34, 50, 60, 104)
_WARNINGS = {22: 18, 26: 24, 34: 48, 50: 66, 60: 104, 104: 204}
_FIRST = (
    *("Ana", "Diana", "Juliana", "Ian", "Brian", "Adrian", "Lena", "Elena", "Helena", "Dora"),
    *("Theodora", "Amir", "Samir", "Mina", "Jasmina", "Kwame", "Ngozi", "Priya", "Ravi", "Linh"),
    *("Kenji", "Mateo", "Leila", "Tomas", "Zofia", "Yusuf", "Bente", "Callum", "Ewa", "Owen"),
)
_LAST = (
    *("Park", "Parker", "Hall", "Halloran", "Ross", "Rossi", "Kim", "Kimura", "Silva", "Silvano"),
    *("Marsh", "Marshall", "Okoro", "Nguyen", "Haddad", "Mensah", "Singh", "Kowalski", "Ortega"),
    *("Lindqvist", "Abebe", "Tanaka", "Jensen", "Macleod", "Novak", "Bakker"),
)
_CODES: dict[Severity, tuple[tuple[str, str], ...]] = {
    "info": (("YAW101", "yaw"), ("HYD104", "hydraulics"), ("PIT102", "pitch")),
    "warning": (
        *(("GBX210", "gearbox"), ("GBX224", "gearbox"), ("PIT214", "pitch"), ("PIT231", "pitch")),
        *(("YAW207", "yaw"), ("GEN219", "generator"), ("CNV228", "converter")),
        *(("HYD203", "hydraulics"), ("HYD217", "hydraulics")),
    ),
    "critical": (("GBX301", "gearbox"), ("GEN312", "generator"), ("CNV307", "converter")),
}
_CRITICAL: dict[State, float] = {"fault": 0.6, "running": 0.12}
"""How likely a turbine has a critical alarm."""
_PARTS: dict[str, Job] = {
    "backup battery": "pitch battery swap",
    "oil filter": "gearbox oil change",
    "yaw brake pad": "yaw brake repair",
    "hydraulic hose": "hydraulics service",
    "slip ring brush": "slip ring cleaning",
    "temperature probe": "gearbox oil change",
    "tower bolt set": "bolt torque check",
    "fan motor": "converter repair",
    "converter fuse": "converter repair",
    "erosion tape": "leading edge repair",
}
"""Spare parts, each with the job that takes it."""
_PLANNED = tuple(job for job in TRADES if job != "fault inspection")
"""Jobs for which there are orders at the start."""


def seed(rng: random.Random, today: str) -> Iterator[Record]:
    """Give the records of a world."""
    names = iter(rng.sample([f"{first} {last}" for first in _FIRST for last in _LAST], 90))
    numbers = count(1050, 37)

    def contact(role: Role, farm: Farm | None) -> Contact:
        name = next(names)
        email = f"{name.lower().replace(' ', '.')}@{_MAIL[role]}.example"
        return Contact(
            id=f"CT-{next(numbers)}",
            name=name,
            email=email,
            role=role,
            farm_id=None if farm is None else farm.id,
            farm=None if farm is None else farm.name,
        )

    for _ in range(4):
        yield contact("fleet_engineer", None)
    sizes = rng.sample(_SIZES, len(_SIZES))
    for number, name in enumerate(rng.sample(_FARMS, len(sizes))):
        farm = Farm(id=f"FA-{21 + number * 13}", name=name)
        yield farm
        managers = [contact("site_manager", farm) for _ in range(3)]
        owners = [contact("landowner", farm) for _ in range(4)]
        people = [contact("technician", farm) for _ in range(6)]
        yield from (*managers, *owners, *people)
        crew = [_technician(rng, today, one, index) for index, one in enumerate(people)]
        yield from crew
        turbines = _turbines(rng, today, number, sizes[number], farm.id, owners, crew)
        yield from rng.sample(turbines, len(turbines))
        yield from _alarms(rng, today, number, turbines)
        parts = [
            Part(
                id=f"SP-{4019 + (number * len(_PARTS) + index) * 41}",
                farm_id=farm.id,
                name=part,
                job=job,
                stock=rng.choice((1, 2, 2, 3, 4, 5, 6, 8, 9, 12)),
            )
            for index, (part, job) in enumerate(_PARTS.items())
        ]
        yield from parts
        yield from _orders(rng, today, number, turbines, crew, parts)
        gusts = [*rng.sample(range(6, 16), 8), *rng.sample(range(16, 27), FORECAST_DAYS - 8)]
        rng.shuffle(gusts)
        for day, strongest in rng.sample(list(enumerate(gusts)), FORECAST_DAYS):
            key = f"WX-{1101 + (number * FORECAST_DAYS + day) * 7}"
            when = add_days(today, day)
            yield ForecastDay(id=key, farm_id=farm.id, date=when, gusts_m_s=strongest)


_MAIL = {
    "site_manager": "northwind",
    "technician": "northwind",
    "landowner": "postbox",
    "fleet_engineer": "northwind",
}


def _technician(rng: random.Random, today: str, person: Contact, index: int) -> Technician:
    """Make a technician; in each crew, one certificate has run out and one soon will."""
    height = add_days(today, (-12, 5)[index] if index < 2 else rng.randint(60, 600))
    electrical: str | None = None
    if index % 2:
        electrical = add_days(today, -20 if index == 5 else rng.randint(90, 500))
    assert person.farm_id is not None
    return Technician(
        id=person.id.replace("CT-", "TE-"),
        contact_id=person.id,
        name=person.name,
        farm_id=person.farm_id,
        shift=rng.choice(("early", "late")),
        height_until=height,
        electrical_until=electrical,
    )


def _turbines(
    rng: random.Random,
    today: str,
    farm: int,
    size: int,
    farm_id: str,
    owners: list[Contact],
    crew: list[Technician],
) -> list[Turbine]:
    """Make a farm's turbines; one is the hottest, and those running in a row vibrate differently.

    A turbine that stands still cools down and hardly vibrates.
    """
    model = rng.choice(("K90", "K117", "K136"))
    places = rng.sample(range(size), size)
    faults = max(5, min(8, size // 10))
    locked = max(3, size // 12)
    states: dict[int, State] = dict.fromkeys(places[:faults], "fault")
    states |= dict.fromkeys(places[faults : faults + locked], "locked_out")
    states |= dict.fromkeys(places[faults + locked : faults + 2 * locked + 2], "paused")
    cool = iter(rng.sample(range(19, 46), len(states)))
    made: list[Turbine] = []
    shaking: list[int] = []
    for place in range(size):
        shaking = shaking or rng.sample(range(2, 13), 6)
        state = states.get(place, "running")
        celsius = rng.randint(46, 83) if state == "running" else next(cool)
        if place == places[-1]:
            celsius = 86 + farm
        holder = rng.choice(crew[1:]) if state == "locked_out" else None
        made.append(
            Turbine(
                id=f"WT-{(farm + 1) * 1000 + place + 1}",
                label=f"{'ABCDEF'[farm]}{place + 1:02}",
                farm_id=farm_id,
                row=f"{'ABCDEF'[farm]}-{place // 6 + 1}",
                model=model,
                state=state,
                noise_mode=rng.choices(("standard", "reduced", "quiet"), (70, 20, 10))[0],
                landowner_id=owners[place * len(owners) // size].id,
                service_due_on=add_days(today, rng.randint(-15, 170)),
                gearbox_celsius=celsius,
                vibration_mm_s=shaking.pop() if state == "running" else rng.randint(0, 1),
                yield_kwh=rng.randint(4000, 39000) if state == "running" else rng.randint(0, 900),
                permit_holder_id=None if holder is None else holder.id,
                permit_since=None if holder is None else add_days(today, -rng.randint(0, 2)),
            )
        )
    return made


def _alarms(rng: random.Random, today: str, farm: int, turbines: list[Turbine]) -> Iterator[Alarm]:
    """Make the alarms of a farm after a stormy night: most are warnings."""
    pairs = [(turbine, code) for code in _CODES["warning"] for turbine in turbines]
    raised: list[tuple[Turbine, tuple[str, str], Severity, AlarmState]] = [
        (turbine, code, "warning", "open")
        for turbine, code in rng.sample(pairs, _WARNINGS[len(turbines)])
    ]
    for turbine in turbines:
        if rng.random() < _CRITICAL.get(turbine.state, 0.0):
            raised.append((turbine, rng.choice(_CODES["critical"]), "critical", "open"))
        if rng.random() < 0.2:
            raised.append((turbine, rng.choice(_CODES["info"]), "info", "acknowledged"))
    rng.shuffle(raised)
    for number, (turbine, (code, component), severity, status) in enumerate(raised):
        yield Alarm.model_validate(
            {
                "id": f"AL-{30011 + farm * 10000 + number * 23}",
                "turbine_id": turbine.id,
                "label": turbine.label,
                "farm_id": turbine.farm_id,
                "code": code,
                "component": component,
                "severity": severity,
                "raised_on": add_days(today, -rng.randint(0, 6)),
                "status": status,
                "acknowledged_by": None,
            }
        )


def _orders(
    rng: random.Random,
    today: str,
    farm: int,
    turbines: list[Turbine],
    crew: list[Technician],
    parts: list[Part],
) -> Iterator[Order]:
    """Make a farm's orders: up to two for each turbine, and one for every lock-out."""
    busy: list[tuple[str, str]] = []
    names = {one.id: one.name for one in crew}
    number = 0
    for turbine in turbines:
        jobs = rng.sample(_PLANNED, 2)
        wanted = rng.choices((0, 1, 2), (40, 30, 30))[0]
        for place in range(max(wanted, turbine.state == "locked_out")):
            number += 1
            status: OrderState = rng.choices(
                ("open", "assigned", "done", "cancelled"), (60, 26, 10, 4)
            )[0]
            technician = rng.choice(crew).id
            day = add_days(today, rng.randint(1, 12))
            if turbine.state == "locked_out" and place == 0:
                assert turbine.permit_holder_id is not None
                status, technician = rng.choice(("on_site", "assigned")), turbine.permit_holder_id
                day = today
            elif status == "assigned" and (technician, day) in busy:
                status = "open"
            elif status == "done":
                day = add_days(today, -rng.randint(1, 30))
            planned = status in ("assigned", "on_site", "done")
            fitting = [one for one in parts if one.job == jobs[place]]
            takes = status != "cancelled" and rng.random() < 0.25
            part = rng.choice(fitting) if takes and fitting else None
            busy.append((technician, day))
            priority: Priority = rng.choices(("low", "normal", "high"), (25, 50, 25))[0]
            if turbine.state == "fault" and rng.random() < 0.5:
                priority = "urgent"
            yield Order.model_validate(
                {
                    "id": f"WO-{20931 + farm * 10000 + number * 29}",
                    "turbine_id": turbine.id,
                    "label": turbine.label,
                    "farm_id": turbine.farm_id,
                    "job": jobs[place],
                    "trade": TRADES[jobs[place]],
                    "priority": priority,
                    "status": status,
                    "created_on": add_days(today, -rng.randint(31, 60)),
                    "technician_id": technician if planned else None,
                    "technician": names[technician] if planned else None,
                    "work_date": day if planned else None,
                    "part_id": None if part is None else part.id,
                    "part_quantity": 0 if part is None else rng.randint(1, 3),
                }
            )


# -- what counts of this file ----------------------------------------------------------------------

STATE = ControlRoom
ENTITIES = {
    "farm": entity(Farm, id_pattern="FA-##", natural_key=("name",)),
    "contact": entity(Contact, id_pattern="CT-####", natural_key=("name", "email")),
    "technician": entity(Technician, id_pattern="TE-####", natural_key=("name",)),
    "turbine": entity(Turbine, id_pattern="WT-####", natural_key=("label",), unique=[("label",)]),
    "alarm": entity(Alarm, id_pattern="AL-#####", natural_key=("turbine_id", "code")),
    "order": entity(Order, id_pattern="WO-#####", natural_key=("turbine_id", "job")),
    "part": entity(Part, id_pattern="SP-####", natural_key=("name",)),
    "forecast_day": entity(ForecastDay, id_pattern="WX-####", natural_key=("date",)),
}
TOOLS = (
    read(contact_find),
    read(asset_list_turbines),
    read(asset_get_turbine),
    read(scada_read),
    read(scada_list_alarms),
    read(wo_list),
    read(crew_list),
    read(stock_list),
    read(wx_forecast),
    write(scada_ack_alarm),
    write(scada_set_noise_mode),
    write(scada_command),
    write(ops_plan_noise_mode),
    write(ops_schedule_stop),
    write(wo_create),
    write(wo_assign),
    write(wo_set_status),
    write(stock_reserve),
    write(lto_request),
    write(lto_release),
)
