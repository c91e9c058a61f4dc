"""Periods that laws and authorities have set for plate reads, each with where it stands. This is no legal advice.

They are starting points for somebody who knows which law applies to them: most bind the police of one country or
state, and for everybody else show what a legislator held to be enough.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Law:
    """What one law or authority says about how long plate reads may be kept."""

    title: str
    whom: str
    """Whom it binds."""
    says: str
    """What it says, in short."""
    source: str
    """Where it stands."""
    keep: dict[str, str]
    """Periods for `keep`."""


LAWS = {
    "eu-guidelines": Law(
        "Personal data of cameras in the European Economic Area",
        "anybody who records public or private places there",
        "kept no longer than necessary; what was recorded should in most cases be erased, ideally automatically, after "
        "a few days, and the longer it is kept, above all beyond 72 hours, the more must be argued",
        "Regulation (EU) 2016/679, article 5(1)(e); European Data Protection Board, Guidelines 3/2019 on processing of "
        "personal data through video devices, section 8",
        {"matched": "72 h", "unmatched": "72 h", "unread": "72 h", "crops": "72 h", "frames": "72 h"},
    ),
    "germany-police": Law(
        "Automatic recording of plates in criminal proceedings, Germany",
        "police and prosecutors",
        "compared at once; without a hit, all that was recorded is erased at once and without a trace",
        "Strafprozessordnung, section 163g(2), sentence 4; Federal Constitutional Court, order of 18 December 2018, "
        "1 BvR 142/15: even a non-hit that is erased at once interferes with a fundamental right",
        {"unmatched": "never", "unread": "never"},
    ),
    "new-hampshire": Law(
        "Number plate scanning devices, New Hampshire",
        "law enforcement, to whom the use of such devices is restricted",
        "purged within 3 minutes of capture so that they cannot be recovered, unless the plate led to an arrest, a "
        "citation or protective custody, or was of a vehicle in a broadcast on missing or wanted persons",
        "New Hampshire Revised Statutes, section 261:75-b",
        {"unmatched": "3 min", "unread": "3 min"},
    ),
    "maine": Law(
        "Automated license plate recognition systems, Maine",
        "law enforcement, public safety and transport agencies; others must not use them, but for road tolls",
        "not stored for more than 21 days, but for intelligence and investigative records and the screening of "
        "commercial vehicles",
        "Maine Revised Statutes, title 29-A, section 2117-A, subsection 5",
        {"matched": "21 d", "unmatched": "21 d", "unread": "21 d"},
    ),
    "minnesota": Law(
        "Automated license plate readers, Minnesota",
        "law enforcement",
        "destroyed no later than 60 days from collection, but for criminal investigations, and for somebody charged "
        "who asks for them as evidence",
        "Minnesota Statutes, section 13.824, subdivision 3",
        {"matched": "60 d", "unmatched": "60 d", "unread": "60 d"},
    ),
    "california-highway-patrol": Law(
        "License plate readers of the California Highway Patrol",
        "the Highway Patrol; any other operator must publish a period of its own (Civil Code, section 1798.90.51) and "
        "record each access with its purpose (section 1798.90.52)",
        "not kept for more than 60 days, unless as evidence or for the investigation of felonies",
        "California Vehicle Code, section 2413",
        {"matched": "60 d", "unmatched": "60 d", "unread": "60 d"},
    ),
    "uk-police": Law(
        "National ANPR Service, United Kingdom",
        "police and other law enforcement agencies",
        "deleted no later than 12 months after capture, unless kept as material of an investigation",
        "Home Office, National ANPR Standards for Policing and Law Enforcement (NASPLE)",
        {"matched": "365 d", "unmatched": "365 d", "unread": "365 d"},
    ),
}
"""By the name that `keep: {law: NAME}` takes."""
