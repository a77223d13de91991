"""The store's tables, as SQLModel declares them."""

from pathlib import Path

from sqlalchemy import Column, LargeBinary
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Field, Session, SQLModel, create_engine

from agentsynth.core.errors import StoreError

__all__ = ["create_tables"]


class Meta(SQLModel, table=True):
    """Settings of the run, as JSON text."""

    key: str = Field(primary_key=True)
    value: str


class PayloadRow(SQLModel, table=True):
    """Values by content id: tasks, agents, rubrics, trajectories with their grades."""

    __tablename__ = "payload"  # pyright: ignore[reportAssignmentType]

    id: str = Field(primary_key=True)
    kind: str
    codec: str
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class ItemRow(SQLModel, table=True):
    """One rollout, small enough to scan by the hundred thousand."""

    __tablename__ = "item"  # pyright: ignore[reportAssignmentType]

    ordinal: int = Field(primary_key=True)
    slot: int = Field(primary_key=True)
    status: str
    domain: str
    kind: str
    scenario_id: str
    task_id: str
    trajectory_id: str = Field(index=True)
    conversation: str
    kept: int
    reason: str
    detail: str
    score: float
    messages: int
    calls: int
    flaw: str
    level: int
    rejected: str
    usage: str
    judged: str
    measured: str


def create_tables(path: Path, version: int) -> None:
    """Create the tables of a new store.

    Raises:
        StoreError: if the file cannot be written.
    """
    engine = create_engine(f"sqlite:///{path}")
    try:
        tables = [SQLModel.metadata.tables[name] for name in ("meta", "payload", "item")]
        SQLModel.metadata.create_all(engine, tables=tables)
        with Session(engine) as session:
            session.add(Meta(key="version", value=str(version)))
            session.commit()
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", error))
        raise StoreError(f"{path}: cannot be written ({reason}); check space and rights") from error
    finally:
        engine.dispose()
