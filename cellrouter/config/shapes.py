"""Structures parsed JSON into attrs classes with cattrs, and turns what cattrs refuses into violations.

cattrs by itself converts where it can (``"5"`` becomes 5) and reports Python attributes. Here every field
names the JSON field it comes from and the rule its value must pass, and every refusal becomes a JSON pointer.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar, cast

from attrs import AttrsInstance, fields, frozen
from cattrs import (
    AttributeValidationNote,
    ClassValidationError,
    Converter,
    ForbiddenExtraKeysError,
    IterableValidationNote,
    override,
)
from cattrs.gen import make_dict_structure_fn

from cellrouter.config.rules import Refusal, json_object, wrong_type
from cellrouter.config.violations import Findings, Violation, did_you_mean, pointer, quoted

T = TypeVar("T", bound=AttrsInstance)


@frozen
class Field:
    """Where an attribute comes from.

    :param name: the field's name in JSON.
    :param rule: takes the value and returns what the attribute gets, or raises
        :class:`~cellrouter.config.rules.Refusal`.
    :param nullable: whether it may also be null or absent, which both give ``None``.
    """

    name: str
    rule: Callable[[object], object]
    nullable: bool = False


class Shapes:
    """The classes that JSON objects are structured into.

    :param forbid_unknown_fields: whether an object may not have fields that its class does not know.
    """

    def __init__(self, *, forbid_unknown_fields: bool) -> None:
        self._converter = Converter(detailed_validation=True, forbid_extra_keys=forbid_unknown_fields)
        self._names: dict[type, dict[str, str]] = {}

    def declare(
        self, cls: type[T], declared: Mapping[str, Field], check: Callable[[T], None] | None = None
    ) -> None:
        """Say how a class is structured.

        :param declared: for each attribute its :class:`Field`; one left out is never taken from JSON.
        :param check: looks at the finished value and raises :class:`~cellrouter.config.rules.Refusal` when
            its fields contradict each other.
        """
        # Any, because cattrs takes these as keyword arguments beside options of other types.
        overrides: dict[str, Any] = {
            attribute.name: _override(declared.get(attribute.name)) for attribute in fields(cls)
        }
        structure_members = make_dict_structure_fn(cls, self._converter, **overrides)
        absent = {field.name: None for field in declared.values() if field.nullable}

        def structure_object(value: object, _: object) -> T:
            result = structure_members(absent | json_object(value), cls)
            if check is not None:
                check(result)
            return result

        self._names[cls] = {attribute: field.name for attribute, field in declared.items()}
        self._converter.register_structure_hook(cls, structure_object)

    def nested(self, cls: type[T]) -> Callable[[object], T]:
        """Make the rule for a field that holds an object of a declared class."""
        return partial(self._converter.structure, cl=cls)

    def array_of(self, cls: type[T]) -> Callable[[object], tuple[T, ...]]:
        """Make the rule for a field that holds an array of such objects; it refuses at the first bad one.

        So a megabyte of bad ones costs no more than one; each would be an exception with a traceback.
        """

        def item(index: int, value: object) -> T:
            try:
                return self._converter.structure(value, cls)
            except (Refusal, ClassValidationError) as error:
                error.add_note(IterableValidationNote("", index, cls))
                raise

        def array(value: object) -> tuple[T, ...]:
            if not isinstance(value, list):
                raise wrong_type("an array", value)
            return tuple(item(*each) for each in enumerate(value))

        return array

    def known_fields(self, cls: type[T]) -> frozenset[str]:
        """List the JSON fields of a declared class."""
        return frozenset(self._names[cls].values())

    def structure(self, value: object, cls: type[T], path: str, findings: Findings) -> T | None:
        """Structure one value.

        :param value: parsed JSON.
        :param cls: a declared class.
        :param path: JSON pointer to the value.
        :param findings: receives everything that is wrong with it.
        :returns: the structured value, or ``None`` when something is wrong with it.
        """
        try:
            return self._converter.structure(value, cls)
        except (Refusal, ClassValidationError) as error:
            self._report(error, path, findings)
            return None

    def _report(self, error: Exception, path: str, findings: Findings) -> None:
        """Add a violation for each leaf of the tree of errors that cattrs raises."""
        if isinstance(error, Refusal):
            findings.add(path + pointer(*error.below), error.code, error.message)
        elif isinstance(error, ClassValidationError):
            for inner in error.exceptions:
                self._report(inner, path + pointer(*self._place(inner, error.cl)), findings)
        elif isinstance(error, ForbiddenExtraKeysError):
            known = self.known_fields(cast(type[AttrsInstance], error.cl))
            findings.add_each(sorted(error.extra_fields), partial(_unknown_field, path, known))
        elif isinstance(error, KeyError):
            findings.add(path, "missing_field", f"{quoted(path.rpartition('/')[2])} is required")
        else:
            raise error

    def _place(self, error: BaseException, cls: type) -> list[str]:
        """Find the keys that lead to an error in the notes on it, of which the inmost comes first."""
        place = []
        for note in reversed(getattr(error, "__notes__", ())):
            if isinstance(note, AttributeValidationNote):
                place.append(self._names[cls][note.name])
            elif isinstance(note, IterableValidationNote):
                place.append(str(note.index))
        return place


def _override(field: Field | None) -> object:
    if field is None:
        return override(omit=True)
    rule, nullable = field.rule, field.nullable
    return override(
        rename=field.name, struct_hook=lambda value, _: None if nullable and value is None else rule(value)
    )


def _unknown_field(path: str, known: frozenset[str], name: str) -> Violation:
    return Violation(
        path + pointer(name),
        "unknown_field",
        f"{quoted(name)} is not a known field{did_you_mean(name, known)}",
    )
