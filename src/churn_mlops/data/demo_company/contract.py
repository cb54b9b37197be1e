"""The data contract of the demo company, as a person would write it."""

CONTRACT = """\
# The data contract of the demo company: how its database is read, and what each feature means and may hold.
version: 1
name: demo
customer: customer_id
time_zone: Europe/Berlin
renewal: plans.renews_on  # agents see it; the model does not

# Every row has the time when it happened and, in another column, when the database learnt of it: some come late.
tables:
  customers: {start: signup_date, end: churn_date, end_known_at: churn_recorded_at}
  plans: {valid_from: valid_from, known_at: recorded_at}
  payments: {event_time: paid_on, known_at: recorded_at}
  usage: {event_time: week_ending, known_at: loaded_at}  # one row for each week with a login, dated by its Sunday
  tickets: {event_time: opened_at, known_at: recorded_at}
  offers: {event_time: offered_on, known_at: recorded_at}
  cancellations: {event_time: requested_at, known_at: recorded_at}  # no feature reads it: see set_aside

# Who leaves within 30 days? The database knows of an end after seven days at the latest. Customers whose contract was
# ended because they did not pay did not choose to leave: they teach nothing about a choice.
label:
  event: customers.end
  horizon_days: 30
  reporting_delay_days: 7
  involuntary: {column: churn_reason, values: [payment_failure], count_as: unknown}

features:
  # What a request has to hold.
  tenure:
    age_of: customers.start
    words: "{value} months with us"
    unit: months
    min: 0
    range: [0, 130]
  monthly_charges:
    last: plans.monthly_charges
    words: "{value} USD a month"
    unit: USD/month
    min: 0
    range: [10, 130]
  total_charges:
    sum: payments.amount
    where: {status: paid}
    words: "{value} USD paid so far"
    unit: USD
    min: 0
    range: [0, 14000]
    missing: 0.1  # nothing is paid in the first weeks
  contract_type:
    last: plans.contract_type
    words: "{value} contract"
    levels: [month-to-month, one_year, two_year]
  payment_method:
    last: plans.payment_method
    words: "payment by {value}"
    levels: [electronic_check, mailed_check, bank_transfer, credit_card]
  internet_service:
    last: plans.internet_service
    words: "internet service: {value}"
    levels: [dsl, fiber_optic, "no"]
  tech_support:
    last: plans.tech_support
    words: "tech support: {value}"
    levels: ["yes", "no"]
  online_security:
    last: plans.online_security
    words: "online security: {value}"
    levels: ["yes", "no"]

  # What a customer did recently: a request may leave it out. Usage comes by weeks, so windows are whole weeks.
  logins_28d:
    sum: usage.logins
    days: 28
    title: logins in four weeks
    words: "{value} logins in four weeks"
    unit: logins
    min: 0
    range: [0, 400]
    missing: 0.1
    required: false
  logins_trend:
    ratio: {sum: usage.logins, days: [28, 84]}
    title: trend of logins
    words: "logins at {value} times the rate of three months"
    min: 0
    range: [0, 3.1]  # 3 is the most, but for rounding
    missing: 0.1
    required: false
  days_since_login:
    since_last: usage
    title: days since the last week with a login
    words: "{value} days since the last week with a login"
    unit: days
    min: 0
    range: [0, 200]
    missing: 0.1
    required: false
  gigabytes_28d:
    sum: usage.gigabytes
    days: 28
    title: gigabytes in four weeks
    words: "{value} GB in four weeks"
    unit: GB
    min: 0
    range: [0, 3000]
    missing: 0.1
    required: false
  tickets_90d:
    count: tickets
    days: 90
    title: tickets in 90 days
    words: "{value} tickets in 90 days"
    unit: tickets
    min: 0
    range: [0, 15]
    required: false
  satisfaction_90d:
    mean: tickets.satisfaction
    days: 90
    title: satisfaction with tickets
    words: "tickets of 90 days rated {value} of 5"
    min: 1
    max: 5
    missing: 0.95  # most open no ticket, and one in three is not rated
    required: false
  failed_payments_90d:
    count: payments
    where: {status: failed}
    days: 90
    title: failed payments in 90 days
    words: "{value} failed payments in 90 days"
    unit: payments
    min: 0
    range: [0, 8]
    required: false
  offers_60d:
    count: offers
    days: 60
    title: offers in 60 days
    words: "{value} offers in 60 days"
    unit: offers
    min: 0
    range: [0, 3]
    required: false

# Not used, and why.
set_aside:
  cancellations.requested_at: {reason: suspected_leak, note: "a request is the leaving itself, announced"}
  cancellations.effective_on: {reason: suspected_leak, note: the day of the end}
  customers.churn_reason: {reason: suspected_leak, note: filled in when a customer has left}
  usage.call_minutes: {reason: by_choice, note: nearly everyone calls about as much}
  tickets.topic: {reason: by_choice, note: adds little to the number of tickets}
  offers.outcome: {reason: by_choice, note: follows from the customer and not from the offer}
"""
