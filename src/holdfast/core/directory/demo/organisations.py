"""The five demo organisations: what they are, where they are, who works there."""

from dataclasses import dataclass
from datetime import date

from holdfast.core.directory.models import BranchKind


@dataclass(frozen=True, slots=True)
class Unit:
    """A department: the title of its head, the titles of its people, its share of the people."""

    name: str
    head: str
    titles: tuple[str, ...]
    share: int


@dataclass(frozen=True, slots=True)
class Site:
    """A branch of the organisation; `share` of the people work there, in its own units where it has some.

    It is the office of a company of the same code and name, or one of the branches of `company`.
    """

    code: str
    name: str
    city: str
    share: int
    units: tuple[Unit, ...] = ()
    company: str | None = None
    kind: BranchKind = BranchKind.OFFICE
    country: str | None = None
    time_zone: str | None = None


@dataclass(frozen=True, slots=True)
class Organisation:
    """One demo organisation; the first site is its head office, `founded` the day it came to the platform."""

    slug: str
    name: str
    legal_name: str
    industry: str
    country: str
    prefix: str
    people: int
    founded: date
    units: tuple[Unit, ...]
    sites: tuple[Site, ...]

    @property
    def companies(self) -> tuple[Site, ...]:
        """Return the sites that stand for a company."""
        return tuple(site for site in self.sites if site.company is None)

    def units_of(self, site: Site) -> tuple[Unit, ...]:
        """Return the departments of a site."""
        return site.units or self.units

    @property
    def domain(self) -> str:
        """Return the domain of its addresses."""
        return f"{self.slug}.com"


_FINANCE = Unit("Finance", "Chief Financial Officer", ("Accountant", "Payroll Specialist", "Financial Analyst"), 3)
_PEOPLE = Unit("People", "Head of People", ("HR Business Partner", "Recruiter", "Learning Specialist"), 2)
_IT = Unit("IT", "Head of IT", ("Systems Administrator", "Service Desk Analyst", "Security Engineer"), 2)
_ENGINEERING = Unit(
    "Engineering",
    "Chief Technology Officer",
    ("Software Engineer", "Senior Software Engineer", "Test Engineer", "Staff Engineer", "Engineering Apprentice"),
    10,
)
_PRODUCT = Unit("Product", "Head of Product", ("Product Manager", "Product Designer", "User Researcher"), 4)
_SALES = Unit("Sales", "Head of Sales", ("Account Executive", "Sales Engineer", "Account Manager"), 5)
_STORE = (
    Unit("Sales floor", "Store Manager", ("Sales Assistant", "Senior Sales Assistant", "Visual Merchandiser"), 7),
    Unit("Stockroom", "Stockroom Supervisor", ("Stock Assistant", "Delivery Assistant"), 2),
)
_HOSPITAL = (
    Unit("Emergency", "Consultant in Emergency Medicine", ("Registrar", "Staff Nurse", "Triage Nurse", "Porter"), 6),
    Unit("Surgery", "Consultant Surgeon", ("Registrar", "Theatre Nurse", "Anaesthetist", "Theatre Technician"), 5),
    Unit("Medicine", "Consultant Physician", ("Registrar", "Staff Nurse", "Healthcare Assistant", "Resident"), 7),
    Unit("Maternity", "Head of Midwifery", ("Midwife", "Obstetrician", "Maternity Support Worker"), 3),
    Unit("Radiology", "Consultant Radiologist", ("Radiographer", "Sonographer", "Imaging Assistant"), 2),
    Unit("Pharmacy", "Chief Pharmacist", ("Pharmacist", "Pharmacy Technician"), 2),
    Unit("Laboratory", "Laboratory Manager", ("Biomedical Scientist", "Phlebotomist", "Laboratory Assistant"), 2),
    Unit("Estates", "Estates Manager", ("Electrician", "Cleaner", "Catering Assistant", "Security Officer"), 3),
)
_STORES = (
    ("Oxford Street", "London"),
    ("Westfield", "London"),
    *((city, city) for city in ("Manchester", "Birmingham", "Leeds", "Glasgow", "Edinburgh", "Cardiff", "Bristol")),
    *((city, city) for city in ("Liverpool", "Newcastle", "Nottingham", "Sheffield", "Brighton", "Belfast")),
)

ORGANISATIONS = (
    Organisation(
        slug="techstart",
        name="TechStart",
        legal_name="TechStart Ltd",
        industry="Software",
        country="GB",
        prefix="TS",
        people=25,
        founded=date(2025, 3, 3),
        units=(_ENGINEERING, _PRODUCT, _SALES, _FINANCE),
        sites=(Site("TS-HQ", "TechStart Ltd", "Bristol", 1),),
    ),
    Organisation(
        slug="fashionhub",
        name="FashionHub",
        legal_name="FashionHub Retail plc",
        industry="Retail",
        country="GB",
        prefix="FH",
        people=200,
        founded=date(2024, 9, 2),
        units=(
            Unit("Buying", "Head of Buying", ("Buyer", "Merchandiser", "Assistant Buyer"), 4),
            Unit("Marketing", "Head of Marketing", ("Brand Manager", "Content Editor", "Photographer"), 3),
            Unit("Logistics", "Head of Logistics", ("Warehouse Operative", "Transport Planner"), 4),
            _FINANCE,
            _PEOPLE,
            _IT,
        ),
        sites=(
            Site("FH-HQ", "FashionHub Retail plc", "London", 15),
            *(
                Site(f"FH-S{number:02}", f"FashionHub {name}", city, 3, _STORE, "FH-HQ", BranchKind.STORE)
                for number, (name, city) in enumerate(_STORES, 1)
            ),
        ),
    ),
    Organisation(
        slug="medcare",
        name="MedCare",
        legal_name="MedCare Hospitals Group",
        industry="Healthcare",
        country="GB",
        prefix="MC",
        people=1040,
        founded=date(2024, 1, 8),
        units=(
            Unit("Clinical governance", "Medical Director", ("Clinical Safety Officer", "Quality Improvement Lead"), 2),
            Unit("Operations", "Chief Operating Officer", ("Operations Manager", "Bed Manager"), 2),
            _FINANCE,
            _PEOPLE,
            _IT,
        ),
        sites=(
            Site("MC-HQ", "MedCare Hospitals Group", "Leeds", 2),
            Site("MC-NOR", "MedCare Northern General", "Leeds", 12, _HOSPITAL, "MC-HQ", BranchKind.HOSPITAL),
            Site("MC-RIV", "MedCare Riverside Hospital", "York", 9, _HOSPITAL, "MC-HQ", BranchKind.HOSPITAL),
            Site("MC-CHI", "MedCare Children's Hospital", "Sheffield", 7, _HOSPITAL, "MC-HQ", BranchKind.HOSPITAL),
        ),
    ),
    Organisation(
        slug="cloudwork",
        name="CloudWork",
        legal_name="CloudWork Inc.",
        industry="Cloud services",
        country="US",
        prefix="CW",
        people=150,
        founded=date(2024, 11, 4),
        units=(
            _ENGINEERING,
            Unit("Reliability", "Head of Reliability", ("Site Reliability Engineer", "Network Engineer"), 5),
            Unit("Support", "Head of Support", ("Support Engineer", "Technical Writer", "Community Manager"), 5),
            _PRODUCT,
            _SALES,
            _FINANCE,
            _PEOPLE,
        ),
        sites=(
            Site("CW-US", "CloudWork Inc.", "Austin", 3),
            Site("CW-DE", "CloudWork GmbH", "Berlin", 1, country="DE", time_zone="Europe/Berlin"),
            Site("CW-IN", "CloudWork India Pvt Ltd", "Bengaluru", 2, country="IN", time_zone="Asia/Kolkata"),
        ),
    ),
    Organisation(
        slug="fintech",
        name="FinTech Bank",
        legal_name="FinTech Bank plc",
        industry="Financial services",
        country="GB",
        prefix="FT",
        people=500,
        founded=date(2024, 4, 2),
        units=(
            Unit("Risk", "Chief Risk Officer", ("Credit Risk Analyst", "Model Validator", "Risk Manager"), 5),
            Unit("Compliance", "Chief Compliance Officer", ("Compliance Officer", "Anti-Fraud Analyst"), 4),
            Unit("Internal audit", "Head of Internal Audit", ("Internal Auditor", "Senior Internal Auditor"), 2),
            Unit("Payments", "Head of Payments", ("Payments Engineer", "Settlement Specialist"), 8),
            Unit("Lending", "Head of Lending", ("Loan Officer", "Underwriter", "Mortgage Adviser"), 8),
            Unit("Customer care", "Head of Customer Care", ("Customer Adviser", "Complaints Handler"), 10),
            _ENGINEERING,
            _PRODUCT,
            _FINANCE,
            _PEOPLE,
            _IT,
        ),
        sites=(
            Site("FT-HQ", "FinTech Bank plc", "London", 6),
            Site("FT-OPS", "FinTech Operations Ltd", "Manchester", 4),
            Site("FT-IE", "FinTech Europe DAC", "Dublin", 2, country="IE", time_zone="Europe/Dublin"),
        ),
    ),
)
