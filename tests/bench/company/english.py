"""The company's pages in English, as families."""

from tests.bench.company.pages import Attribute, Family

PRODUCTS = Family(
    "Data sheet {e}",
    {
        "KX-210": ("EUR 420", "3.2 kg", "24 months", "14 March 2023", "", "No"),
        "KX-210S": ("EUR 465", "3.4 kg", "24 months", "2 May 2024", "9 hours", ""),
        "KX-220": ("EUR 510", "3.9 kg", "36 months", "11 January 2025", "12 hours", "Yes"),
        "KX-300": ("EUR 1,280", "7.5 kg", "", "30 June 2022", "", "Yes"),
        "MT-7": ("EUR 89", "410 g", "12 months", "", "30 hours", "No"),
        "MT-7 Pro": ("EUR 129", "455 g", "18 months", "5 October 2024", "41 hours", "Yes"),
        "MT-9": ("", "520 g", "24 months", "19 February 2026", "52 hours", "Yes"),
        "Valora 40": ("EUR 2,350", "18 kg", "60 months", "1 September 2021", "", ""),
        "Valora 60": ("EUR 3,100", "24 kg", "60 months", "8 April 2024", "", "Yes"),
        "SD-15": ("EUR 36", "95 g", "12 months", "17 November 2020", "", "No"),
        "SD-15R": ("EUR 44", "98 g", "", "21 July 2025", "", "Yes"),
        "Orbit Hub": ("EUR 275", "1.1 kg", "24 months", "12 December 2023", "6 hours", ""),
    },
    (
        Attribute(
            "List price",
            "amount",
            "The list price of the {e} is {v} without tax.",
            ("What does the {e} cost?", "What is the list price of the {e}?", "How much is the {e}?"),
        ),
        Attribute(
            "Weight",
            "number",
            "It weighs {v} without packaging.",
            ("How heavy is the {e}?", "What is the weight of the {e}?", "How much does the {e} weigh?"),
        ),
        Attribute(
            "Warranty",
            "number",
            "We give a warranty of {v} on parts and labour.",
            ("How long is the warranty on the {e}?", "What warranty period does the {e} have?"),
        ),
        Attribute(
            "Launched",
            "date",
            "It was launched on {v}.",
            ("When was the {e} launched?", "What is the launch date of the {e}?"),
        ),
        Attribute(
            "Battery life",
            "number",
            "The battery lasts {v} in normal use.",
            ("How long does the battery of the {e} last?", "What is the battery life of the {e}?"),
        ),
        Attribute(
            "Waterproof",
            "yes or no",
            "Waterproof housing: {v}.",
            ("Is the {e} waterproof?", "Does the {e} have a waterproof housing?"),
        ),
    ),
    ("KX-215", "MT-8", "Valora 80", "SD-16"),
    "Internal data sheet for the sales team.",
)

COUNTRIES = Family(
    "Working in {e}",
    {
        "Germany": ("30 days", "three months", "six months", "from the first day", "Katrin Vogel"),
        "Spain": ("23 days", "15 days", "two months", "", "Lucía Ferrer"),
        "Poland": ("26 days", "one month", "three months", "from the second day", "Marek Zieliński"),
        "Canada": ("15 days", "two weeks", "", "after three days", "Denise Tremblay"),
        "Singapore": ("18 days", "one month", "three months", "from the first day", ""),
        "Brazil": ("30 calendar days", "30 days", "90 days", "after 15 days", "Rafael Moura"),
        "India": ("21 days", "60 days", "six months", "", "Anjali Nair"),
        "Japan": ("20 days", "", "three months", "after four days", "Kenji Morita"),
    },
    (
        Attribute(
            "Annual leave",
            "number",
            "Full-time employees receive {v} of annual leave per calendar year.",
            (
                "How many days of annual leave do full-time employees in {e} get?",
                "How much annual leave do employees in {e} receive?",
                "How many vacation days are there in {e}?",
            ),
        ),
        Attribute(
            "Notice period",
            "number",
            "The notice period is {v} for both sides.",
            ("How long is the notice period in {e}?", "What is the notice period in {e}?"),
        ),
        Attribute(
            "Probation",
            "number",
            "Probation lasts {v}.",
            ("How long does probation last in {e}?", "What is the probation period for {e}?"),
        ),
        Attribute(
            "Doctor's note",
            "date",
            "A doctor's note is needed {v} of sickness.",
            ("When is a doctor's note needed in {e}?", "From when do I need a doctor's note in {e}?"),
        ),
        Attribute(
            "HR partner",
            "person",
            "The HR partner is {v}.",
            ("Who is the HR partner for {e}?", "Who is our HR partner in {e}?"),
        ),
    ),
    ("the UK", "France", "Mexico"),
    "This page holds for employees with a local contract in {e}.",
)

SITES = Family(
    "{e} site guide",
    {
        "Leeds plant": ("40 spaces behind gate 3", "11:30 to 13:45", "north lawn", "Oliver Grant", "0113 555 0140", ""),
        "Lyon office": ("", "12:00 to 14:00", "Place Bellevue", "Claire Fontaine", "04 55 50 17 22", "8 EUR a day"),
        "Porto plant": ("25 spaces next to the loading bay", "12:15 to 14:30", "car park B", "", "22 555 0186", "free"),
        "Austin lab": ("the garage on level 2", "", "the oak tree", "Dana Whitlock", "512 555 0163", "14 USD a day"),
        "Gdańsk warehouse": ("10 spaces by the main entrance", "", "the flag poles", "Ewa Lis", "58 555 0129", "free"),
        "Oslo office": ("", "11:00 to 12:30", "the fountain", "Ingrid Solberg", "", "90 NOK a day"),
        "Penang plant": ("lot P4", "11:45 to 14:15", "", "Farah Aziz", "04 555 0171", "free"),
        "Dublin office": (
            "two spaces in the yard",
            "12:00 to 13:30",
            "Merrion corner",
            "Sean Kelly",
            "01 555 0118",
            "",
        ),
        "Turin plant": (
            "30 spaces on Via Corva",
            "12:00 to 14:00",
            "the tennis court",
            "",
            "011 555 0193",
            "2 EUR a day",
        ),
        "Cardiff depot": ("none", "", "the weighbridge", "Megan Price", "029 5550 0155", "free"),
    },
    (
        Attribute(
            "Visitor parking",
            "place",
            "Visitors park here: {v}.",
            ("Where can visitors park at the {e}?", "Where is visitor parking at the {e}?"),
        ),
        Attribute(
            "Canteen lunch hours",
            "date",
            "The canteen serves lunch from {v}.",
            ("When does the canteen at the {e} serve lunch?", "What are the lunch hours of the canteen at the {e}?"),
        ),
        Attribute(
            "Assembly point",
            "place",
            "In an alarm everybody goes to the assembly point: {v}.",
            ("Where is the assembly point of the {e}?", "What is the assembly point at the {e}?"),
        ),
        Attribute(
            "Site manager",
            "person",
            "The site manager is {v}.",
            ("Who is the site manager of the {e}?", "Who manages the {e}?"),
        ),
        Attribute(
            "Reception",
            "number",
            "Reception answers on {v}.",
            ("What is the phone number of reception at the {e}?", "How do I reach reception at the {e} by phone?"),
        ),
        Attribute(
            "Employee parking fee",
            "amount",
            "Employees pay this parking fee: {v}.",
            ("What is the parking fee for employees at the {e}?", "How much do employees pay for parking at the {e}?"),
        ),
    ),
    ("Leeds office", "Hamburg plant", "Madrid office"),
    "Everything for a first day at the {e}.",
)

TEAMS = Family(
    "Team page {e}",
    {
        "Accounts Payable": ("Judith Ames", "ap@lindqvist.example", "Tuesdays and Fridays", "room 2.14"),
        "Accounts Receivable": ("Tomás Rey", "ar@lindqvist.example", "Mondays", ""),
        "Payroll": ("Nora Whitfield", "payroll@lindqvist.example", "", "room 2.20"),
        "IT Service Desk": ("", "it@lindqvist.example", "every working day", "room 0.05"),
        "Information Security": ("Hasan Demir", "security@lindqvist.example", "Wednesdays", "room 0.11"),
        "Facilities": ("Greta Holm", "facilities@lindqvist.example", "", "room 1.02"),
        "Procurement": ("Paul Okafor", "", "Thursdays", "room 3.07"),
        "Legal": ("Simone Adler", "legal@lindqvist.example", "by appointment", "room 4.01"),
        "Export Control": ("Yusuf Karaca", "export@lindqvist.example", "Mondays and Thursdays", ""),
        "Quality": ("", "quality@lindqvist.example", "daily at 9:30", "hall C"),
        "Travel Desk": ("Amelie Roux", "travel@lindqvist.example", "", "room 1.17"),
        "Works Council": ("Bernd Lauer", "council@lindqvist.example", "Wednesdays", "room 1.30"),
    },
    (
        Attribute("Head", "person", "The team is led by {v}.", ("Who is the head of {e}?", "Who leads the {e} team?")),
        Attribute(
            "Mailbox",
            "place",
            "Write to {v}.",
            ("What is the e-mail address of {e}?", "Which mailbox does {e} use?"),
        ),
        Attribute(
            "Office hours",
            "date",
            "Office hours: {v}.",
            ("When are the office hours of {e}?", "On which days does {e} have office hours?"),
        ),
        Attribute("Room", "place", "You find us in {v}.", ("Where is {e}?", "In which room is {e}?")),
    ),
    ("Treasury", "Public Relations", "Internal Audit"),
    "Who we are and how to reach us.",
)

COURSES = Family(
    "Course {e}",
    {
        "First Aid Basics": ("8 hours", "12", "Mira Jansen", "6 February", ""),
        "Forklift Licence": ("three days", "6", "Colm Byrne", "", "EUR 350"),
        "Negotiation I": ("two days", "14", "", "19 May", "EUR 480"),
        "Negotiation II": ("one day", "10", "Vera Lindt", "22 September", "EUR 290"),
        "Python for Analysts": ("20 hours", "18", "Deepa Rao", "3 April", ""),
        "Fire Warden": ("4 hours", "", "Oskar Brandt", "11 June", "free"),
        "Lean Audit": ("one day", "9", "Sofia Marini", "28 August", "EUR 210"),
        "Export Compliance": ("90 minutes", "40", "Yusuf Karaca", "15 October", "free"),
        "Presenting in English": ("12 hours", "8", "Alan Moss", "", "EUR 175"),
        "ESD Handling": ("2 hours", "16", "", "9 January", "free"),
    },
    (
        Attribute(
            "Duration",
            "number",
            "The course takes {v}.",
            ("How long is the course {e}?", "What is the duration of {e}?"),
        ),
        Attribute(
            "Places",
            "number",
            "There are {v} places.",
            ("How many places are there in {e}?", "How many places does the course {e} have?"),
        ),
        Attribute("Trainer", "person", "The trainer is {v}.", ("Who is the trainer of {e}?", "Who teaches {e}?")),
        Attribute(
            "Next date", "date", "It is held next on {v}.", ("When is {e} held next?", "What is the next date of {e}?")
        ),
        Attribute(
            "Fee",
            "amount",
            "Your cost centre is charged this fee: {v}.",
            ("What is the fee for {e}?", "How much does the course {e} cost?"),
        ),
    ),
    ("Negotiation III", "Crane Licence"),
    "Part of the training catalogue.",
)

MACHINES = Family(
    "Operating manual {e}",
    {
        "press P12": ("180 bar", "every 500 hours", "ear protection and gloves", "coolant level too low"),
        "press P14": ("210 bar", "every 400 hours", "ear protection", "door not closed"),
        "oven R2": ("", "every 3 months", "heat-resistant gloves", "fan blocked"),
        "oven R3": ("0.8 bar", "", "heat-resistant gloves and visor", "sensor broken"),
        "laser L5": ("6 bar", "every week", "goggles of class D7", ""),
        "lathe D40": ("75 bar", "every 250 hours", "", "spindle too hot"),
        "mixer M8": ("2.5 bar", "every 1,000 hours", "dust mask FFP2", "lid open"),
        "conveyor C1": ("", "twice a year", "safety shoes", "belt slipped"),
    },
    (
        Attribute(
            "Operating pressure",
            "number",
            "The operating pressure is {v}.",
            ("What is the operating pressure of the {e}?", "At which pressure does the {e} operate?"),
        ),
        Attribute(
            "Maintenance",
            "date",
            "Maintenance is due {v}.",
            ("When is maintenance of the {e} due?", "How often does the {e} need maintenance?"),
        ),
        Attribute(
            "Protective equipment",
            "procedure",
            "Operators wear protective equipment: {v}.",
            (
                "Which protective equipment is needed at the {e}?",
                "What protective equipment do operators of the {e} wear?",
            ),
        ),
        Attribute(
            "Error E-104",
            "meaning",
            "Error E-104 means: {v}.",
            ("What does error E-104 mean on the {e}?", "What is the meaning of error E-104 at the {e}?"),
        ),
    ),
    ("press P16", "oven R4", "laser L7"),
    "For trained operators only.",
    ("wrapped", "prose", "glued", "table", "list", "tabs"),
)

PROJECTS = Family(
    "Steering minutes {e}",
    {
        "Aurora": ("EUR 1.4 million", "30 June 2027", "Helen Park", "the cloud move"),
        "Birch": ("EUR 260,000", "15 December 2026", "", "the new warehouse system"),
        "Cobalt": ("", "1 March 2027", "Ivo Maric", "shorter test cycles"),
        "Delta Bridge": ("EUR 75,000", "", "Lena Fox", "the link to the bank"),
        "Ember": ("EUR 3.1 million", "12 August 2027", "Raj Patel", ""),
        "Fjord": ("EUR 540,000", "20 January 2027", "Astrid Lund", "heat recovery"),
        "Granite": ("EUR 98,000", "7 April 2027", "Peter Novak", "the archive"),
        "Harbour": ("", "9 September 2027", "Mina Sato", "customs declarations"),
    },
    (
        Attribute(
            "Budget",
            "amount",
            "The board approved a budget of {v}.",
            ("What is the budget of project {e}?", "How large is the budget of project {e}?"),
        ),
        Attribute(
            "Go-live",
            "date",
            "Go-live is planned for {v}.",
            ("When is the go-live of project {e}?", "What is the planned go-live date of project {e}?"),
        ),
        Attribute(
            "Project manager",
            "person",
            "The project manager is {v}.",
            ("Who is the project manager of {e}?", "Who manages project {e}?"),
        ),
        Attribute(
            "Goal",
            "meaning",
            "The goal of the project is {v}.",
            ("What is the goal of project {e}?", "What is project {e} for?"),
        ),
    ),
    ("Indigo", "Juniper"),
    "Decisions of the last steering meeting.",
    ("glued", "wrapped", "prose", "list"),
)

FAMILIES = ((PRODUCTS, 18), (COUNTRIES, 12), (SITES, 16), (TEAMS, 10), (COURSES, 10), (MACHINES, 8), (PROJECTS, 8))
