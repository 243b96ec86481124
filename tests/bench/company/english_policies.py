"""The company's rules in English: pages written one by one, each with its questions."""

from datetime import date

from tests.bench.company.pages import Page, Question

THIS = date.today().year


def q(text: str, kind: str, *answers: str, trap: str = "", before: tuple[str, ...] = ()) -> Question:
    return Question(text, kind, "en", answers, trap, before)


RULES: tuple[tuple[str, str, tuple[Question, ...]], ...] = (
    (
        "Travel policy.md",
        """# Travel policy

## Hotels
Employees book hotels through the Travel Desk. The limit is EUR 140 per night in Germany and EUR 180 per night in
Switzerland. Breakfast may be included.

## Trains and flights
Trains are second class. Flights under six hours are economy class; longer flights may be
premium economy if the head of department agrees.

## Meals
The daily allowance is EUR 28 for a full day and EUR 14 for days of arrival and departure.

## Claims
Claims are submitted within 30 days after the trip. Receipts are kept for ten years by Accounts Payable.
""",
        (
            q("What is the hotel limit per night in Switzerland?", "amount", "EUR 180", trap="the line next to it"),
            q("What is the hotel limit per night in Germany?", "amount", "EUR 140", trap="the line next to it"),
            q("What is the hotel limit per night in Austria?", "amount", trap="a qualifier that no page holds"),
            q("How much is the daily allowance for a full day?", "amount", "EUR 28"),
            q("What is the daily allowance for guests?", "amount", trap="a qualifier that no page holds"),
            q("Within how many days must travel claims be submitted?", "number", "30 days"),
            q("Which class do I fly on flights under six hours?", "meaning", "economy class"),
            q("How long are receipts kept by Accounts Payable?", "number", "ten years"),
            q("What is the mileage rate for private cars?", "amount", trap="no page about it"),
            q(
                "And in Switzerland?",
                "follow-up",
                "EUR 180",
                before=("What is the hotel limit per night in Germany?",),
            ),
            q("And for days of departure?", "follow-up", "EUR 14", before=("How much is the daily allowance?",)),
            q("And for contractors?", "follow-up", before=("How much is the daily allowance for a full day?",)),
            q("And in Norway?", "follow-up", before=("What is the hotel limit per night in Germany?",)),
        ),
    ),
    (
        "Remote work.txt",
        """REMOTE WORK
Employees may work remotely up to two days a week after their
probation. Trainees may work remotely one day a week. Working
from abroad is allowed for at most 20 working days a year and
only within the European Union.
EQUIPMENT
The company provides a laptop and a headset. A one-time payment
of EUR 250 is made for a desk or a chair.
""",
        (
            q("How many days a week may trainees work remotely?", "number", "one day", trap="the line next to it"),
            q("How many working days a year is working from abroad allowed?", "number", "20 working days"),
            q("How large is the one-time payment for a desk or chair?", "amount", "EUR 250"),
            q("How many days a week may contractors work remotely?", "number", trap="a qualifier that no page holds"),
            q(
                "Is working from abroad allowed outside the European Union?",
                "yes or no",
                "only within the European Union",
            ),
            q("Does the company pay for internet at home?", "yes or no", trap="the page tells other things"),
            q("Does the company provide a headset?", "yes or no", "headset"),
            q("Does the company provide a second monitor?", "yes or no", trap="the page tells other things"),
            q("And trainees?", "follow-up", "one day", before=("How many days a week may employees work remotely?",)),
        ),
    ),
    (
        "Password rules 2025.md",
        """# Password rules
Version 3.0, valid from 1 January 2025. Replaces version 2.1.

- Passwords have at least 16 characters.
- They are changed only after an incident.
- Administrators also use a hardware key.
""",
        (
            q("How many characters must a password have at least?", "number", "16 characters", trap="a rule replaced"),
            q("When are passwords changed?", "date", "only after an incident", trap="a rule replaced"),
            q("Who also uses a hardware key?", "person", "Administrators"),
            q("Who uses a smart card?", "person", trap="no page about it"),
        ),
    ),
    (
        "Password rules 2021.md",
        """# Password rules
Version 2.1, valid from 1 March 2021.

- Passwords have at least 10 characters.
- They are changed every 90 days.
""",
        (),
    ),
    (
        "Parental leave.txt",
        """Parental leave (valid from 1 April 2026)
Second parents receive 20 days of paid leave after the birth of a child. The leave is taken within twelve months.
The application is sent to Payroll six weeks before it begins.
""",
        (
            q("How many days of paid leave do second parents receive?", "number", "20 days", trap="a rule replaced"),
            q("How long before it begins is the application for parental leave sent?", "number", "six weeks"),
            q("Where is the application for parental leave sent?", "place", "Payroll"),
            q("How many days of paid leave do grandparents receive?", "number", trap="a qualifier that no page holds"),
        ),
    ),
    (
        "Parental leave (old).txt",
        """Parental leave (valid from 1 January 2022, no longer in force)
Second parents receive 10 days of paid leave after the birth of a child. The leave is taken within six months.
""",
        (),
    ),
    (
        "Copy of Parental leave.txt",
        """Parental leave (valid from 1 April 2026)
Second parents receive 20 days of paid leave after the birth of a child. The leave is taken within twelve months.
The application is sent to Payroll six weeks before it begins.
""",
        (),
    ),
    (
        "Purchasing.md",
        """# Purchasing

| Amount | Approved by | Offers needed |
| --- | --- | --- |
| up to EUR 1,000 | team lead | 1 |
| up to EUR 25,000 | head of department | 2 |
| up to EUR 200,000 | managing director | 3 |

Software is bought by Procurement only. Orders without a purchase order number are not paid.
""",
        (
            q("Who approves purchases up to EUR 25,000?", "person", "head of department", trap="table"),
            q("How many offers are needed for purchases up to EUR 200,000?", "number", "3", trap="table"),
            q("Who approves purchases up to EUR 500,000?", "person", trap="table"),
            q("Who buys software?", "person", "Procurement"),
            q("Are orders without a purchase order number paid?", "yes or no", "not paid"),
            q("How many offers are needed for consulting services?", "number", trap="a qualifier that no page holds"),
        ),
    ),
    (
        f"Company calendar {THIS}.md",
        f"""# Company calendar {THIS}

- Summer shutdown: 3 to 14 August
- Stocktaking: 27 November
- Christmas party: 11 December
- Works meeting: 18 March
""",
        (
            q("When is the summer shutdown this year?", "date", "3 to 14 August", trap="this year"),
            q("When is stocktaking this year?", "date", "27 November", trap="this year"),
            q(f"When is the Christmas party {THIS}?", "date", "11 December", trap="this year"),
            q("When is the summer shutdown next year?", "date", trap="this year"),
            q("When is the family day this year?", "date", trap="this year"),
        ),
    ),
    (
        f"Company calendar {THIS - 1}.md",
        f"""# Company calendar {THIS - 1}

- Summer shutdown: 4 to 15 August
- Stocktaking: 28 November
- Christmas party: 12 December
- Family day: 21 June
""",
        (
            q("When was the Christmas party last year?", "date", "12 December", trap="this year"),
            q(f"When was stocktaking in {THIS - 1}?", "date", "28 November", trap="this year"),
            q(f"When was stocktaking in {THIS - 3}?", "date", trap="this year"),
        ),
    ),
    (
        "Visitors.txt",
        """Visitors
Visitors are registered the day before they come. They sign in at reception, receive a yellow badge and are
accompanied at all times.
Photographs are not permitted in the production halls. Visitors from outside the EU need approval by Export Control.
""",
        (
            q("Which colour is the badge of visitors?", "meaning", "yellow"),
            q("May visitors take photographs in the production halls?", "yes or no", "not permitted"),
            q("When must visitors be registered?", "date", "the day before"),
            q("Who approves visitors from outside the EU?", "person", "Export Control"),
            q("Which colour is the badge of suppliers?", "meaning", trap="a qualifier that no page holds"),
            q("May visitors bring dogs?", "yes or no", trap="the page tells other things"),
            q("May visitors use the canteen?", "yes or no", trap="the page tells other things"),
        ),
    ),
    (
        "How to report an accident.md",
        """# How to report an accident

Steps after an accident at work:

1. Give first aid and call 112 if needed.
2. Tell your supervisor.
3. Fill in form HS-12 within 24 hours.
4. Send the form to Facilities.

Near misses are reported with form HS-15.
""",
        (
            q("What are the steps after an accident at work?", "procedure", "HS-12", "supervisor", trap="list"),
            q("Which form is used to report near misses?", "meaning", "HS-15", trap="the line next to it"),
            q("Within how many hours must form HS-12 be filled in?", "number", "24 hours", trap="list"),
            q("Which form is used to report a theft?", "meaning", trap="the page tells other things"),
            q("What are the steps after a data breach?", "procedure", trap="no page about it"),
        ),
    ),
    (
        "VPN guide.txt",
        """Connecting to the VPN
How to connect to the VPN:
1. Open the app GateLink.
2. Choose the profile Head Office.
3. Enter the code from your phone.
The VPN disconnects after 12 hours. Private devices are not allowed.
""",
        (
            q("How do I connect to the VPN?", "procedure", "GateLink", "code from your phone", trap="list"),
            q("After how many hours does the VPN disconnect?", "number", "12 hours"),
            q("Are private devices allowed on the VPN?", "yes or no", "not allowed"),
            q("How do I connect to the guest Wi-Fi?", "procedure", trap="a qualifier that no page holds"),
            q("How do I reset the VPN password?", "procedure", trap="the page tells other things"),
        ),
    ),
    (
        "Abbreviations.md",
        """# Abbreviations

- AP: Accounts Payable
- CAPA: corrective and preventive action
- EHS (environment, health and safety) reports to the managing director.
- MOQ: minimum order quantity
- NCR: non-conformance report
- RMA: return merchandise authorisation
""",
        (
            q("What does CAPA stand for?", "meaning", "corrective and preventive action", trap="abbreviation"),
            q("What does RMA mean?", "meaning", "return merchandise authorisation", trap="abbreviation"),
            q("What is the meaning of MOQ?", "meaning", "minimum order quantity", trap="abbreviation"),
            q("What does EHS stand for?", "meaning", "environment, health and safety", trap="abbreviation"),
            q("What does NDA stand for?", "meaning", trap="abbreviation"),
            q("What does FIFO mean?", "meaning", trap="abbreviation"),
        ),
    ),
    (
        "Bonus and pay.txt",
        """Pay
Salaries are paid on the 27th of each month. The Christmas bonus is 60 percent of a monthly salary and is paid in
November. Interns receive no Christmas bonus. Overtime is compensated by time off within three months; a payment
of overtime needs the consent of the head of department.
The referral bonus is EUR 1,500 and is paid after the probation of the new employee.
""",
        (
            q("On which day are salaries paid?", "date", "27th"),
            q("How high is the Christmas bonus?", "number", "60 percent"),
            q("Do interns receive a Christmas bonus?", "yes or no", "no Christmas bonus"),
            q("How much is the referral bonus?", "amount", "EUR 1,500"),
            q("When is the referral bonus paid?", "date", "after the probation"),
            q("How high is the summer bonus?", "amount", trap="a qualifier that no page holds"),
            q("How much is the night shift allowance?", "amount", trap="no page about it"),
            q("When is the referral bonus for trainees paid?", "date", trap="a qualifier that no page holds"),
        ),
    ),
    (
        "Company cars.md",
        """# Company cars

## Entitlement
Heads of department and field sales staff are entitled to a company car.

## Fuel
Fuel cards are issued by Facilities. Private trips abroad are paid by the employee.

## Return
The car is returned on the last working day, cleaned and with both keys.
""",
        (
            q("Who issues fuel cards?", "person", "Facilities"),
            q("When is a company car returned?", "date", "last working day"),
            q("Who is entitled to a company car?", "person", "Heads of department"),
            q("Who pays for private trips abroad with the company car?", "person", "by the employee"),
            q("What is the limit for fuel cards?", "amount", trap="the page tells other things"),
            q("Who is entitled to a company bike?", "person", trap="a qualifier that no page holds"),
        ),
    ),
    (
        "Comparison of the plans.md",
        """# Health plans

| Plan | Monthly fee | Dental | Abroad |
| --- | --- | --- | --- |
| Basic | EUR 35 | no | no |
| Comfort | EUR 62 | yes | no |
| Premium | EUR 98 | yes | yes |
""",
        (
            q(
                "Which costs more per month, the Comfort plan or the Premium plan?",
                "comparison",
                "62",
                "98",
                trap="table",
            ),
            q(
                "What is the difference between the monthly fees of Basic and Comfort?",
                "comparison",
                "35",
                "62",
                trap="table",
            ),
            q("Which is cheaper per month, the Basic plan or the Family plan?", "comparison", trap="table"),
            q("Does the Comfort plan include dental?", "yes or no", "yes", trap="table"),
            q("What is the monthly fee of the Premium plan?", "amount", "EUR 98", trap="table"),
            q("What is the monthly fee of the Student plan?", "amount", trap="table"),
        ),
    ),
    (
        "Data retention.txt",
        """Retention of data
Applications of rejected candidates are deleted after six months. Video recordings of the entrance are
deleted after 72 hours. Invoices are kept for ten years, delivery notes for two years.
Backups are stored in the vault in Porto.
""",
        (
            q("When are video recordings of the entrance deleted?", "date", "72 hours"),
            q("How long are delivery notes kept?", "number", "two years", trap="the line next to it"),
            q("When are applications of rejected candidates deleted?", "date", "six months"),
            q("Where are backups stored?", "place", "Porto"),
            q("How long are quality records kept?", "number", trap="a qualifier that no page holds"),
            q("When are video recordings of the car park deleted?", "date", trap="a qualifier that no page holds"),
        ),
    ),
    (
        "Canteen news.txt",
        """Canteen news
From May the canteen in Leeds will offer a vegan dish every day. The price of the daily menu rises from GBP 4.20 to
GBP 4.60.
Payment is by badge only; cash is no longer accepted.
""",
        (
            q("Is cash accepted in the canteen in Leeds?", "yes or no", "no longer accepted"),
            q("To how much does the price of the daily menu rise?", "amount", "GBP 4.60"),
            q("What is the price of a coffee in the canteen?", "amount", trap="the page tells other things"),
            q("Is there a vegan dish in the canteen in Lyon?", "yes or no", trap="a qualifier that no page holds"),
        ),
    ),
    (
        "Signing rules.md",
        """# Signing rules

Contracts are signed by two people. Contracts above EUR 100,000 are also signed by a member of the board.
Non-disclosure agreements are signed by Legal alone. Electronic signatures are permitted with the service PenSeal.
""",
        (
            q("Who signs non-disclosure agreements?", "person", "Legal"),
            q("Which service is permitted for electronic signatures?", "meaning", "PenSeal"),
            q("By whom are contracts above EUR 100,000 also signed?", "person", "member of the board"),
            q("Who signs employment contracts?", "person", trap="a qualifier that no page holds"),
        ),
    ),
)

COMPARED = (
    q("Which is heavier, the KX-210 or the KX-220?", "comparison", "3.2 kg", "3.9 kg"),
    q("Is the list price of the MT-7 or the MT-7 Pro higher?", "comparison", "EUR 89", "EUR 129"),
    q("Which has the longer warranty, the SD-15 or the KX-220?", "comparison", "12 months", "36 months"),
    q("What is the difference in annual leave between Germany and Spain?", "comparison", "30 days", "23 days"),
    q("Is the notice period longer in Germany or in Poland?", "comparison", "three months", "one month"),
    q("Which has more places, Fire Warden or Lean Audit?", "comparison", trap="only one side is told"),
    q("Which is heavier, the KX-210 or the KX-215?", "comparison", trap="only one side is told"),
    q("Is annual leave longer in Germany or in the UK?", "comparison", trap="only one side is told"),
    q("Which has the larger budget, project Birch or project Cobalt?", "comparison", trap="only one side is told"),
    q("Which has the larger budget, project Birch or project Granite?", "comparison", "260,000", "98,000"),
    q("And the KX-220?", "follow-up", "3.9 kg", before=("How heavy is the KX-210?",)),
    q("And in Poland?", "follow-up", "26 days", before=("How much annual leave do employees in Spain receive?",)),
    q("And for the MT-8?", "follow-up", before=("What is the list price of the MT-7?",)),
    q("Who is its trainer?", "follow-up", "Vera Lindt", before=("What is the fee for Negotiation II?",)),
    q("Who is its project manager?", "follow-up", before=("What is the budget of project Birch?",)),
    q("When was it launched?", "follow-up", "2 May 2024", before=("What does the KX-210S cost?",)),
    q("And how much does it weigh?", "follow-up", "95 g", before=("What does the SD-15 cost?",)),
)
FILLERS = tuple(
    Page(
        f"Weekly notice {week}.txt",
        f"Weekly notice {week}\n{first} {second}",
    )
    for week, (first, second) in enumerate(
        [
            ("The lift in building A is out of service until Thursday.", "Please use the stairs."),
            ("The car park will be resurfaced on Saturday.", "Bicycles may stay."),
            ("A lost umbrella is at reception.", "It is green."),
            ("The choir looks for two tenors.", "Rehearsals are in the canteen."),
            ("The printer on floor 3 was replaced.", "Old cartridges go into the blue box."),
            ("Fire drill on Monday morning.", "Everybody leaves the building."),
            ("Flu vaccinations are offered by the works doctor.", "They are voluntary."),
            ("The library got twelve new books on statistics.", "Loans are for four weeks."),
            ("The shuttle bus leaves five minutes earlier.", "The stop stays where it is."),
            ("We welcome nine new trainees.", "They begin in hall C."),
            ("The coffee machine takes only badges now.", "Top up at reception."),
            ("The football team won against Malmö.", "The next match is at home."),
            ("Window cleaning begins on floor 1.", "Please clear the sills."),
            ("The photo competition is about bridges.", "Entries go to Facilities."),
            ("The parking app has a new version.", "Update it before you come."),
            ("The garden behind hall B is open.", "Please take your cups back."),
            ("Two cats were seen in the loading bay.", "Do not feed them."),
            ("The intranet will be slow on Sunday night.", "Nothing needs to be done."),
            ("The survey on lunch closes soon.", "It takes five minutes."),
            ("Old helmets are collected.", "New ones are at the store."),
            ("The summer fruit basket returns.", "It comes on Mondays."),
            ("The yoga class moves to room 1.30.", "Mats are there."),
            ("A charging station was added.", "It is free for now."),
            ("The archive moves to Porto.", "Boxes are labelled by Legal."),
            ("Winter tyres are changed by appointment.", "Call the garage."),
            ("The first-aid boxes were checked.", "One key is missing."),
            ("Please close windows in the evening.", "The heating thanks you."),
            ("The new phone list is on the intranet.", "Corrections go to Facilities."),
            ("Visitors praised the tour of the plant.", "Thanks to the guides."),
            ("The badge printer is repaired.", "New photos on Wednesdays."),
            ("The bicycle leasing contract was renewed.", "Ask Payroll."),
            ("The drinking fountain in hall D works again.", "Bring a bottle."),
        ],
        1,
    )
)
