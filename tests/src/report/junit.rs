//! A report for CI systems, as JUnit XML: a suite a chapter, a case a statement.

use quick_junit::{NonSuccessKind, Report as Document, TestCase, TestCaseStatus, TestSuite};

use super::{Finding, Report, Verdict, says};

impl Report {
    /// The report as JUnit XML. What should be and is not is told, and is no failure.
    #[must_use]
    pub fn junit(&self) -> String {
        let mut document = Document::new(format!("conformance {} {}", self.judge, self.target));
        for (chapter, verdicts) in self.chapters() {
            let mut suite = TestSuite::new(&chapter);
            for (statement, verdict) in verdicts {
                suite.add_test_case(self.case(&chapter, statement, verdict));
            }
            document.add_test_suite(suite);
        }
        document.to_string().unwrap_or_default()
    }

    fn case(&self, chapter: &str, statement: &str, verdict: &Verdict) -> TestCase {
        let known = self.known.contains(statement);
        let (status, told) = match verdict {
            Verdict::Pass(_) => (TestCaseStatus::success(), None),
            Verdict::NotSeen(why) => (skipped(why), None),
            Verdict::Fail(finding) if known => (skipped(&format!("known to fail: {}", finding.seen)), Some(finding)),
            Verdict::Fail(finding) => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status.set_message(format!("expected {}; seen: {}", finding.expected, finding.seen));
                status.set_description(lines(finding));
                (status, None)
            }
            Verdict::Should(finding) => (TestCaseStatus::success(), Some(finding)),
        };
        let mut case = TestCase::new(format!("{statement} {}", says(statement)), status);
        case.set_classname(format!("{}.{chapter}", self.judge));
        if let Some(finding) = told {
            case.set_system_out(lines(finding));
        }
        case
    }
}

fn skipped(why: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(why);
    status
}

fn lines(finding: &Finding) -> String {
    let Finding { trial, expected, seen, packets, .. } = finding;
    format!("trial: {trial}\nexpected: {expected}\nseen: {seen}\n{}", packets.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::report;

    #[test]
    fn only_what_is_broken_and_not_known_is_a_failure() {
        let xml = report().junit();
        let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"conformance broker mqtt://a&lt;b\" tests=\"5\" skipped=\"2\" failures=\"1\" errors=\"0\">";
        assert!(xml.starts_with(head), "{xml}");
        assert!(
            xml.contains(
                "<testcase name=\"MQTT-3.3.2-2 No wildcards in a PUBLISH topic\" classname=\"broker.3.3 PUBLISH\">"
            ),
            "{xml}"
        );
        assert_eq!(xml.matches("<failure").count(), 1);
        assert_eq!(xml.matches("<skipped").count(), 2);
    }
}
